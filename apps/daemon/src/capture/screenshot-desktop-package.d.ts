/** Types for the part of `screenshot-desktop` (1.15.6, which ships none) that is used. */
declare module 'screenshot-desktop' {
  type ScreenshotDisplay = {
    id: number | string;
    name?: string;
    primary?: boolean;
    /** Linux. */
    width?: number;
    height?: number;
    offsetX?: number;
    offsetY?: number;
    /** Windows. */
    left?: number;
    top?: number;
    dpiScale?: number;
  };
  const screenshot: {
    (options?: { screen?: number | string; format?: 'png' | 'jpg' }): Promise<Buffer>;
    listDisplays(): Promise<ScreenshotDisplay[]>;
  };
  export default screenshot;
}
