export { type ActionMemory, executeAction } from './execute-action.ts';
export { HeldInputs } from './held-inputs.ts';
export { openNutInputBackend } from './nut-input-backend.ts';
export { ReservedChords, STOP_CHORD } from './reserved-chord.ts';
export { openX11InputBackend, X11InputBackend } from './x11-input-backend.ts';
