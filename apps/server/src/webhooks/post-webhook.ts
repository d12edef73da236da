import { request as httpsRequest } from 'node:https';
import { PRODUCT_VERSION } from '@deskhand/protocol';
import { request as httpRequest } from '../http/node-http.ts';
import { guardedLookup, type TargetRules } from './webhook-target.ts';

/** What became of one attempt; a receiver's "no" is an answer, not an exception. */
export type WebhookAnswer = Readonly<
  { type: 'answered'; status: number } | { type: 'unreachable'; problem: string }
>;

/** Sends one attempt. Redirects are not followed; the answer's body is not read. */
export function postWebhook(
  target: { url: URL; rules: TargetRules; timeoutMs: number },
  message: { body: string; signature: string; eventId: string },
  options: { signal: AbortSignal },
): Promise<WebhookAnswer> {
  const { url } = target;
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const body = Buffer.from(message.body);
  return new Promise((resolve) => {
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(target.timeoutMs)]);
    const outgoing = request(
      url,
      {
        method: 'POST',
        agent: false,
        signal,
        lookup: guardedLookup(url, target.rules) as never,
        headers: {
          'Content-Type': 'application/json',
          'Content-Length': body.length,
          'Coasty-Signature': message.signature,
          'Coasty-Event': message.eventId,
          'User-Agent': `Deskhand/${PRODUCT_VERSION}`,
          Connection: 'close',
        },
      },
      (incoming) => {
        // The status says everything; a receiver that never ends its body must not hold us.
        incoming.resume();
        incoming.on('error', () => {});
        resolve({ type: 'answered', status: incoming.statusCode ?? 0 });
        setImmediate(() => outgoing.destroy());
      },
    );
    const unanswered = (why: string) => {
      const timedOut = signal.aborted && !options.signal.aborted;
      const problem = timedOut ? `no answer within ${target.timeoutMs} ms` : why;
      resolve({ type: 'unreachable', problem });
    };
    outgoing.on('error', (error: NodeJS.ErrnoException) => unanswered(error.code ?? error.message));
    // Whatever a receiver makes of HTTP (101 switches the protocol and ends without an error), an attempt has an end.
    outgoing.on('close', () => unanswered('the connection ended without an answer'));
    outgoing.end(body);
  });
}
