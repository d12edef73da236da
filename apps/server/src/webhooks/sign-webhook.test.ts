import { describe, expect, it } from 'vitest';
import { mintWebhookSecret, signWebhook } from './sign-webhook.ts';

describe('webhook signature (v1-api.md 4)', () => {
  it('signs the first vector', () => {
    expect(
      signWebhook(
        'whsec_test_secret_123',
        1_750_000_000,
        '{"event":"run.succeeded","run_id":"run_123","status":"succeeded"}',
      ),
    ).toBe('t=1750000000,v1=5f70978eab52dbf5838da76e5eb6c6c465560ce8e746ed8e6113c159d8bbb2d4');
  });

  it('signs the second vector', () => {
    expect(
      signWebhook(
        'whsec_other_secret_456',
        1_750_000_300,
        '{"event":"run.awaiting_human","run_id":"run_456","reason":"captcha"}',
      ),
    ).toBe('t=1750000300,v1=844504f42b7498094a83cedd7e050fc2f7fa32593b0814cc514c4be52a932e63');
  });

  it('mints secrets of 64 hex characters, each different', () => {
    const first = mintWebhookSecret();
    expect(first).toMatch(/^whsec_[0-9a-f]{64}$/);
    expect(mintWebhookSecret()).not.toBe(first);
  });
});
