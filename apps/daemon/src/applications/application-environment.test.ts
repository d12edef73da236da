import { expect, it } from 'vitest';
import { applicationEnvironment } from './application-environment.ts';

it('hands on the session and keeps what is ours', () => {
  const inherited = {
    PATH: '/usr/bin',
    HOME: '/home/a',
    LANG: 'C.UTF-8',
    DISPLAY: ':0',
    ANTHROPIC_API_KEY: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    GITHUB_TOKEN: 'x',
    DATABASE_URL: 'x',
    DESKHAND_DATA: '/data',
    NODE_OPTIONS: '--inspect',
    npm_config_x: 'x',
    UNSET: undefined,
    KEYBOARD: 'us',
  };
  expect(applicationEnvironment(inherited, { DISPLAY: ':7' })).toEqual({
    PATH: '/usr/bin',
    HOME: '/home/a',
    LANG: 'C.UTF-8',
    DISPLAY: ':7',
    KEYBOARD: 'us',
  });
});
