import { delimiter, dirname, join } from 'node:path';

/** A person's settings and accounts have no place in a test: no key leaves the machine, no result depends on them. */
const personal = /^(DESKHAND_.*|.*_API_KEY|DATABASE_URL|NATS_URL)$/;

/** The person's own screen and buses: a test that forgets to make its own display fails instead of clicking there. */
const ownDesktop = [
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'XAUTHORITY',
  'DBUS_SESSION_BUS_ADDRESS',
  'AT_SPI_BUS_ADDRESS',
];

/** Every process of one `npm test` carries this variable, so that what is left of it can be found at the end. */
export const markName = 'TEST_RUN_MARK';

/** Environment of a stage: the pinned Node and the workspace's tools first on PATH. */
export function stageEnvironment({ base, repository, node, mark, platform = process.platform }) {
  const environment = {};
  for (const [name, value] of Object.entries(base)) {
    if (personal.test(name)) continue;
    if (platform === 'linux' && ownDesktop.includes(name)) continue;
    environment[name] = value;
  }
  // Windows spells it Path; two spellings of one variable would leave it to chance which one counts.
  const pathName = Object.keys(environment).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  environment[pathName] = [dirname(node), join(repository, 'node_modules/.bin'), environment[pathName]]
    .filter(Boolean)
    .join(delimiter);
  return {
    ...environment,
    [markName]: mark,
    CI: 'true',
    TURBO_TELEMETRY_DISABLED: '1',
    DO_NOT_TRACK: '1',
    // Every `pnpm run` of a task would else look on the network for the pnpm that is running.
    pnpm_config_pm_on_fail: 'ignore',
    TURBO_NO_UPDATE_NOTIFIER: '1',
  };
}
