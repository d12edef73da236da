export {
  type Fault,
  type ProviderRequest,
  ScriptedProvider,
  type ScriptedReply,
} from './provider/scripted-provider.ts';
export {
  DEFAULT_LIMITS,
  type HarnessOptions,
  ManualClock,
  RecordingJournal,
  runWith,
} from './run-harness.ts';
export {
  SCREEN,
  ScriptedMachine,
  type ScriptedMachineOptions,
  SimulatedDesktop,
  type SimulatedWindow,
  type Widget,
} from './scripted-machine.ts';
export { browserForm, browserWindow, installFormPage, installTextEditor } from './simulated-applications.ts';
