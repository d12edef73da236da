import { type ComponentType, Fragment, h } from 'preact';

/** Preact's own runtime repeats its node factory; this one uses the factory that is in the bundle already. */
export const jsx = (type: string | ComponentType, props: object, key?: string | number) =>
  h(type as string, key === undefined ? props : { ...props, key });
export { Fragment, jsx as jsxs };
