import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { signWebhook, verifyWebhook } from './webhook-signature.ts';

/** Both test vectors of v1-api.md section 4. */
const vectors = [
  {
    secret: 'whsec_test_secret_123',
    timestampSeconds: 1_750_000_000,
    body: '{"event":"run.succeeded","run_id":"run_123","status":"succeeded"}',
    v1: '5f70978eab52dbf5838da76e5eb6c6c465560ce8e746ed8e6113c159d8bbb2d4',
  },
  {
    secret: 'whsec_other_secret_456',
    timestampSeconds: 1_750_000_300,
    body: '{"event":"run.awaiting_human","run_id":"run_456","reason":"captcha"}',
    v1: '844504f42b7498094a83cedd7e050fc2f7fa32593b0814cc514c4be52a932e63',
  },
] as const;

const [{ secret, timestampSeconds: t, body, v1 }] = vectors;
const refused = (reason: string) => ({ ok: false, reason });

describe('webhook signatures', () => {
  it.each(vectors)('signs and verifies the vector of $secret', async (vector) => {
    const header = await signWebhook(vector);
    expect(header).toBe(`t=${vector.timestampSeconds},v1=${vector.v1}`);
    const nowSeconds = vector.timestampSeconds;
    expect(await verifyWebhook({ ...vector, header, nowSeconds })).toEqual({
      ok: true,
      signedAtSeconds: vector.timestampSeconds,
    });
  });

  it('agrees with an independent HMAC on bytes that are no text', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    const expected = createHmac('sha256', 'whsec_ü').update('1750000000.').update(bytes).digest('hex');
    const header = await signWebhook({ secret: 'whsec_ü', body: bytes, timestampSeconds: t });
    expect(header).toBe(`t=${t},v1=${expected}`);
    expect(await verifyWebhook({ secret: 'whsec_ü', header, body: bytes, nowSeconds: t })).toMatchObject({
      ok: true,
    });
  });

  it.each<[drift: number, ok: boolean]>([
    [-301, false],
    [-300, true],
    [300, true],
    [301, false],
    [Number.NaN, false],
  ])('a clock %d s off: %s', async (drift, ok) => {
    const result = await verifyWebhook({ secret, header: `t=${t},v1=${v1}`, body, nowSeconds: t + drift });
    expect(result).toEqual(ok ? { ok: true, signedAtSeconds: t } : refused('stale'));
  });

  it('takes another tolerance', async () => {
    const header = `t=${t},v1=${v1}`;
    const at = (nowSeconds: number) =>
      verifyWebhook({ secret, header, body, nowSeconds, toleranceSeconds: 5 });
    expect((await at(t + 5)).ok).toBe(true);
    expect(await at(t + 6)).toEqual(refused('stale'));
  });

  it('one matching signature among several suffices, wherever it stands', async () => {
    const wrong = '0'.repeat(64);
    for (const header of [
      `t=${t},v1=${wrong},v1=${v1}`,
      `v1=${v1},v1=${wrong},t=${t}`,
      `t=${t}, v0=old, v1=${v1}`,
    ])
      expect(await verifyWebhook({ secret, header, body, nowSeconds: t })).toMatchObject({ ok: true });
  });

  it.each<[what: string, change: { secret?: string; body?: string; header?: string }]>([
    ['another secret', { secret: 'whsec_test_secret_124' }],
    ['the secret without its prefix', { secret: 'test_secret_123' }],
    ['one byte more', { body: `${body} ` }],
    ['the same JSON printed differently', { body: JSON.stringify(JSON.parse(body), null, 1) }],
    ['another time under the same signature', { header: `t=${t + 1},v1=${v1}` }],
    ['another signature', { header: `t=${t},v1=${v1.replace('5', '6')}` }],
  ])('refuses %s', async (_what, change) => {
    const input = { secret, header: `t=${t},v1=${v1}`, body, nowSeconds: t, ...change };
    expect(await verifyWebhook(input)).toEqual(refused('mismatch'));
  });

  it.each<[header: string | null | undefined]>([
    [undefined],
    [null],
    [''],
    [`t=${t}`],
    [`v1=${v1}`],
    [`t=,v1=${v1}`],
    [`t=-${t},v1=${v1}`],
    [`t=1e9,v1=${v1}`],
    [`t=${t},t=${t},v1=${v1}`],
    [`t=${t},v1=`],
    [`t=${t},v1=${v1.toUpperCase()}`],
    [`t=${t},v1=${v1.slice(1)}`],
    [`t=${t},v1=${v1}0`],
    [`t=${t},v1=${v1},v1=zz`],
    [`t=${t},,v1=${v1}`],
    [`t=${t};v1=${v1}`],
    [`t=${t},v1=${v1}${`,v1=${'0'.repeat(64)}`.repeat(8)}`],
    [`t=${t},v1=${v1},x=${'y'.repeat(5000)}`],
  ])('refuses the header %j as malformed', async (header) => {
    expect(await verifyWebhook({ secret, header, body, nowSeconds: t })).toEqual(refused('malformed'));
  });

  it('an empty secret is the caller’s mistake, not a refusal', async () => {
    await expect(
      verifyWebhook({ secret: '', header: `t=${t},v1=${v1}`, body, nowSeconds: t }),
    ).rejects.toThrow('webhook secret is empty');
  });

  it('uses the real clock by default', async () => {
    const header = await signWebhook({ secret, body, timestampSeconds: Date.now() / 1000 });
    expect(await verifyWebhook({ secret, header, body })).toMatchObject({ ok: true });
    expect(await verifyWebhook({ secret, header: `t=${t},v1=${v1}`, body })).toEqual(refused('stale'));
  });
});
