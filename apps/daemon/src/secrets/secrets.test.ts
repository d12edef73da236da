import { Secret } from '@deskhand/base';
import { ProtocolError, ScreenElement, WindowInfo } from '@deskhand/protocol';
import { describe, expect, it } from 'vitest';
import { resolveSecrets, type SecretPlace } from './resolve-secrets.ts';
import { SecretScreen } from './secret-screen.ts';

const VALUE = 'correct-horse';
const window = WindowInfo.parse({
  id: '0x1',
  title: 'Bank',
  application: 'Chromium',
  bounds: { x: 100, y: 50, width: 800, height: 600 },
  active: true,
});
const vault = {
  open: async (name: string) => {
    if (name !== 'bank') throw new ProtocolError('SECRET_UNKNOWN', 'none');
    return {
      value: new Secret(VALUE),
      bindings: { urls: ['https://bank.example/login'], apps: ['gedit', '/usr/bin/mousepad'] },
    };
  },
};

const field = { editable: true, protected: false, bounds: null };
const page = (origin: string | null, more: Partial<SecretPlace> = {}): SecretPlace => ({
  window,
  identity: { names: [], pid: 7, program: '/usr/lib/chromium/chromium' },
  field: { ...field, origin },
  ours: true,
  ...more,
});
const program = (path: string | null, more: Partial<SecretPlace> = {}) =>
  page(null, { ours: false, identity: { names: ['gedit'], pid: 7, program: path }, ...more });

const resolve = (place: SecretPlace | null, text = 'x{{secret:bank}}y') => resolveSecrets(text, place, vault);

describe('where a secret may be typed', () => {
  it.each<[what: string, place: SecretPlace]>([
    ['its page', page('https://bank.example')],
    ['its program, by file name', program('/opt/gedit')],
    ['its program, by path', program('/usr/bin/mousepad')],
  ])('[SEC6] %s', async (_what, place) => {
    expect((await resolve(place)).text).toBe(`x${VALUE}y`);
  });

  it.each<[what: string, place: SecretPlace | null, code: string]>([
    ['another page', page('https://evil.example'), 'SECRET_NOT_BOUND'],
    ['a page that only begins alike', page('https://bank.example.evil.example'), 'SECRET_NOT_BOUND'],
    ['its page without TLS', page('http://bank.example'), 'SECRET_NOT_BOUND'],
    ['its page on another port', page('https://bank.example:8443'), 'SECRET_NOT_BOUND'],
    ['a frame without an origin', page('null'), 'SECRET_NOT_BOUND'],
    ['no page', page(null), 'SECRET_NOT_BOUND'],
    ['another program of the same class', program('/tmp/evil'), 'SECRET_NOT_BOUND'],
    ['another program of that name elsewhere', program('/tmp/mousepad'), 'SECRET_NOT_BOUND'],
    ['a program nobody knows', program(null), 'SECRET_NOT_BOUND'],
    [
      'its program, where it shows a page in our browser',
      page('https://evil.example', { identity: { names: [], pid: 7, program: '/opt/gedit' } }),
      'SECRET_NOT_BOUND',
    ],
    ['no window', null, 'SECRET_FIELD_UNKNOWN'],
    ['no field', page('https://bank.example', { field: null }), 'SECRET_FIELD_UNKNOWN'],
    [
      'a button',
      page(null, { field: { ...field, editable: false, origin: 'https://bank.example' } }),
      'SECRET_FIELD_UNKNOWN',
    ],
  ])('[SEC6] not %s', async (_what, place, code) => {
    const failure = await resolve(place).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code });
    expect(String(failure)).not.toContain(VALUE);
  });

  it('an unknown one is told by its name', async () => {
    await expect(resolve(page('https://bank.example'), '{{secret:other}}')).rejects.toMatchObject({
      code: 'SECRET_UNKNOWN',
    });
  });
});

describe('what the screen tells afterwards', () => {
  const values = new Map([['bank', new Secret(VALUE)]]);
  const at = { x: 150, y: 100, width: 200, height: 30 };
  const element = (more: Record<string, unknown>) =>
    ScreenElement.parse({ id: 'a', source: 'dom', role: 'text_field', name: 'PIN', bounds: at, ...more });

  it('[SEC6] the field is painted over wherever its window goes, until the window or the page has gone', () => {
    const screen = new SecretScreen();
    screen.note(values, window, at);
    expect(screen.masks([window], window, null)).toEqual([at]);
    const moved = { ...window, bounds: { ...window.bounds, x: 110 } };
    expect(screen.masks([moved], moved, null)).toEqual([{ ...at, x: 160 }]);
    const there = element({ states: ['editable'], value: 'other' });
    expect(screen.masks([window], window, [there])).toEqual([at]);
    const link = element({ role: 'link', name: 'Log out' });
    expect(screen.masks([window], window, [link])).toEqual([]);
    screen.forgetWindowsBut([]);
    expect(screen.active).toBe(false);
  });

  it('[SEC6] whatever else shows the value is painted over, too', () => {
    const screen = new SecretScreen();
    screen.note(values, window, at);
    const bounds = { x: 1, y: 2, width: 3, height: 4 };
    const echo = element({ role: 'text', name: `Your PIN is ${VALUE}.`, bounds });
    expect(screen.masks([window], window, [echo])).toEqual([bounds]);
  });

  it('[SEC6] the value becomes its placeholder in every text, at any depth', () => {
    const screen = new SecretScreen();
    screen.note(values, window, at);
    const clean = screen.scrub({
      title: `x ${VALUE}`,
      page: { url: `https://bank.example/?pin=${encodeURIComponent(VALUE)}` },
      list: [{ value: VALUE, width: 3 }],
    });
    expect(JSON.stringify(clean)).not.toContain(VALUE);
    expect(clean.list[0]).toEqual({ value: '{{secret:bank}}', width: 3 });
  });

  it('a short value is taken out where it stands alone, not from within words', () => {
    const screen = new SecretScreen();
    screen.note(new Map([['pin', new Secret('12')]]), window, at);
    expect(screen.scrub(['12', 'Step 12 of 120'])).toEqual(['{{secret:pin}}', 'Step 12 of 120']);
  });
});
