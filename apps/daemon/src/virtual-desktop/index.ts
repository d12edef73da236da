export {
  startVirtualDesktop,
  type VirtualDesktop,
  type VirtualDesktopOptions,
} from './start-virtual-desktop.ts';
