// A script about something that the node does not have ends at once with k6's code for an aborted test (108), and says why.

import exec from 'k6/execution';
import { Client } from './client.js';
import { token } from './token.js';

// Ends the run if the node does not know an endpoint. For `setup`.
export async function needs(endpoint) {
  const client = new Client({ token: token('lt-probe') });
  await client.open(undefined, { counts: false });
  try {
    await client.ask(endpoint, {}, { quiet: true });
  } catch (why) {
    if (why.code === 'unknown-endpoint') exec.test.abort(`skipped: the node has no ${endpoint}`);
  } finally {
    client.close();
  }
}
