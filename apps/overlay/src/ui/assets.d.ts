declare module '*.svg?no-inline' {
  /** URL of the file beside the bundle. */
  const url: string;
  export default url;
}

/** `import()` of a file beside the bundle, by its name. The build writes it, so that no loader comes along. */
declare function __import<Module>(path: string): Promise<Module>;
