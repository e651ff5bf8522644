//! Clients of Socket.IO.

use hallway_settings::settings;

settings! {
    /// Clients of Socket.IO, on `/socket.io/` of the public listener. See [socketio.md](socketio.md).
    pub struct SocketIo {
        /// Which dialect answers on the main namespace: `native`, or the name of a file of `dialects` without its ending.
        main: String = "native";
        /// Files of dialects, beside those that are built in.
        dialects: Vec<String> = "";
        /// Whether clients are told with every event where they stand, so that they recover their rooms and what they missed
        /// when they come back (`socket.recovered`), on any node. It costs some bytes per event and room.
        recovery: bool = true;
    }
}
