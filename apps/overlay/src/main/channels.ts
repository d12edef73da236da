/** Names of the messages between the sandboxed page and main; the preload is the only other user. */
export const CHANNELS = {
  message: 'panel:message',
  ready: 'panel:ready',
  stop: 'panel:stop',
  control: 'panel:control',
  decide: 'panel:decide',
  collapse: 'panel:collapse',
} as const;

export const APP_SCHEME = 'app';
export const APP_ORIGIN = 'app://panel';
