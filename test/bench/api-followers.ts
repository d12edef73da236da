import { Agent, request } from 'node:http';
import { workerData } from 'node:worker_threads';

/** The followers of `bench api`, off the server's thread: counts whole events into shared memory. */
const { url, key, count, received } = workerData as {
  url: string;
  key: string;
  count: number;
  received: Int32Array;
};
const agent = new Agent({ keepAlive: false, maxSockets: count });
for (let index = 0; index < count; index += 1) {
  const outgoing = request(url, { headers: { 'x-api-key': key }, agent }, (response) => {
    response.on('data', (chunk: Buffer) => {
      // Frames end in an empty line; counting them is all a follower does here.
      let frames = 0;
      for (let at = chunk.indexOf('\n\n'); at !== -1; at = chunk.indexOf('\n\n', at + 2)) frames += 1;
      Atomics.add(received, 0, frames);
    });
    response.on('error', () => {});
  });
  outgoing.on('error', () => {});
  outgoing.end();
}
