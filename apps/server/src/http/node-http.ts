/**
 * What we need of `node:http` at run time. An `import` of it reads every export, and one of them is a getter that
 * loads all of undici: a tenth of the start and 7 MB that it never uses.
 */
export const { STATUS_CODES, request } = process.getBuiltinModule('node:http');
