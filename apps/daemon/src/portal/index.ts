export { openPortalInputBackend, PortalInputBackend } from './portal-input-backend.ts';
export { openPortalScreenCapture, PortalScreenCapture, type StartFrames } from './portal-screen-capture.ts';
