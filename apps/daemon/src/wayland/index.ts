export { ButtonRelease } from './button-release.ts';
export { openWayland, type WaylandConnection, type WaylandGlobal, WaylandObject } from './connection.ts';
export {
  logicalBounds,
  nearestOn,
  openOnWayland,
  toDesktop,
  toLogical,
  type WaylandDisplay,
  WaylandDisplays,
} from './displays.ts';
export { duplicate, openSharedFile } from './shared-file.ts';
