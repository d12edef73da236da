declare module '*.svg?no-inline' {
  /** URL of the file beside the bundle. */
  const url: string;
  export default url;
}
