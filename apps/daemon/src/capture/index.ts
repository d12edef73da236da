export { displayAt, layoutIdOf, primaryDisplay } from './display-layout.ts';
export { type EncodeFrameOptions, encodeFrame, FrameEncoder } from './encode-frame.ts';
export { type FrameDifference, FrameMemory } from './frame-difference.ts';
export { openNutScreenCapture } from './nut-screen-capture.ts';
export { PollScreenActivity } from './poll-screen-activity.ts';
export { openScreenshotDesktopCapture } from './screenshot-desktop-capture.ts';
export { openX11ScreenActivity, X11ScreenActivity } from './x11-screen-activity.ts';
export { openX11ScreenCapture, X11ScreenCapture } from './x11-screen-capture.ts';
