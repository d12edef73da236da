export { isAbort, raceSignal, reasonFrom, StopError, sleep, stopReasonOf } from './abort.ts';
export { assertNever } from './exhaustive.ts';
export { randomHex } from './ids.ts';
export { inertLine, inertText } from './inert-text.ts';
export { errorAttributes, type LogAttributes, type Logger, silentLogger } from './log.ts';
export { nearestName } from './nearest-name.ts';
export { Scope } from './scope.ts';
export { Secret } from './secret.ts';
