export { daemonState, FakeDesktop, guardState, panelRun } from './fake-desktop.ts';
export { FakeLocalServer, type Received } from './fake-local-server.ts';
export { PanelProcess } from './panel-process.ts';
