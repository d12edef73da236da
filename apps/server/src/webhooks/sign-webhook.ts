import { createHmac, randomBytes } from 'node:crypto';

/** Shown once, in the answer that created the run. */
export function mintWebhookSecret(): string {
  return `whsec_${randomBytes(32).toString('hex')}`;
}

/**
 * `Coasty-Signature` of one attempt (v1-api.md 4): HMAC-SHA256 of `<t>.<body>` under the whole secret string.
 * @param timestampSeconds Unix time of this attempt.
 */
export function signWebhook(secret: string, timestampSeconds: number, body: string): string {
  const hex = createHmac('sha256', secret).update(`${timestampSeconds}.`).update(body).digest('hex');
  return `t=${timestampSeconds},v1=${hex}`;
}
