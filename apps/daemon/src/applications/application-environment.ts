/** What a program started for the person may inherit from this process: the session, not our secrets. */
const PRIVATE = [
  /^DESKHAND_/,
  /(^|_)(API_?KEY|KEY_ID|ACCESS_KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS)($|_)/,
  /^(DATABASE_URL|NATS_URL)$/,
  // These steer Node itself and the tools that started us, and mean nothing to an application.
  /^NODE_(OPTIONS|COMPILE_CACHE|CHANNEL_FD|UNIQUE_ID|V8_COVERAGE)$/,
  /^(npm|pnpm|PNPM|TURBO|VITEST)_/,
  /^(VITEST|INIT_CWD|DESKTOP_STARTUP_ID)$/,
];

/**
 * @param inherited this process's environment.
 * @param session   the desktop's own variables (DISPLAY, buses, folders); they win.
 */
export function applicationEnvironment(
  inherited: Readonly<Record<string, string | undefined>>,
  session: Readonly<Record<string, string>>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(inherited)) {
    if (value === undefined || PRIVATE.some((pattern) => pattern.test(name))) continue;
    environment[name] = value;
  }
  return { ...environment, ...session };
}
