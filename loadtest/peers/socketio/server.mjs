// Socket.IO's own server as a peer of the load generator: rooms to join, and broadcasts to everyone else in them.
// PORT, SECRET (of HS256 tokens) and, for the Redis adapter, REDIS_URL.

import { createServer } from 'node:http';
import { createAdapter } from '@socket.io/redis-adapter';
import Redis from 'ioredis';
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';

const { PORT, SECRET, REDIS_URL } = process.env;
const http = createServer((request, response) => {
  // Only the probe asks for anything but /socket.io/.
  response.end('ok');
});
const io = new Server(http);

if (REDIS_URL) {
  const publisher = new Redis(REDIS_URL);
  const subscriber = publisher.duplicate();
  io.adapter(createAdapter(publisher, subscriber));
}

io.use((socket, next) => {
  try {
    socket.data.user = jwt.verify(socket.handshake.auth.token, SECRET, { algorithms: ['HS256'] }).sub;
    next();
  } catch (why) {
    next(why);
  }
});

io.on('connection', (socket) => {
  socket.on('join', async (room, done) => {
    await socket.join(room);
    done({});
  });
  socket.on('publish', (room, data, done) => {
    socket.to(room).emit('load', data);
    done({});
  });
});

http.listen(Number(PORT), '127.0.0.1');

// In-flight work is nobody's here: the generator has counted all that it waits for.
process.on('SIGTERM', () => process.exit(0));
