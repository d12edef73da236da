import type { CommandName, PanelMode, PauseReason, StepOutcome } from '../core/panel-view.ts';

/** Every word of the panel that is not somebody's data. `{name}` is filled in by {@link fill}. */

export const MODE_WORDS: Readonly<Record<PanelMode, string>> = {
  idle: 'Ready',
  pairing: 'Pairing',
  running: 'Agent is in control',
  awaiting_human: 'Your decision',
  paused: 'Paused',
  takeover: 'You are in control',
  stopped: 'Stopped',
  disconnected: 'Server unreachable',
  controls_lost: 'Controls not connected',
};

export const PAUSE_WORDS: Readonly<Record<PauseReason, string>> = {
  person_input: 'Paused because you used the mouse or keyboard.',
  asked: 'Paused by you. The agent does nothing until you resume.',
  takeover: 'The agent sees nothing and does nothing until you hand back.',
  server: 'Paused by the server.',
  guard_lost: 'Paused because guard did not answer.',
  session: 'Paused because this desktop was locked, asleep or out of your sight.',
  unknown: 'Paused. The agent does nothing until you resume.',
};

export const OUTCOME_WORDS: Readonly<Record<StepOutcome, string>> = {
  confirmed: 'confirmed',
  unverified: 'done, not proven',
  no_effect: 'no effect',
  refused: 'refused',
  failed: 'failed',
};

export const COMMAND_WORDS: Readonly<Record<CommandName, string>> = {
  stop: 'Stop',
  pause: 'Pause',
  resume: 'Resume',
  takeover: 'Take over',
  hand_back: 'Hand back',
  approve: 'Approve',
  deny: 'Deny',
  cancel: 'End run',
  reset: 'Reset',
};

export const STOPPED_BY: Readonly<Record<string, string>> = {
  hotkey: 'by the hotkey',
  panel: 'from this panel',
  cli: 'from a terminal',
  tray: 'from the tray',
  api: 'over the API',
  guard: 'by guard',
  latch_file: 'by a latch file',
  daemon: 'by the daemon',
};

export const words = {
  stop: 'STOP',
  stopFromAnywhere: '{chord} stops from anywhere',
  stopInactive: 'Not connected. Press {chord}, or end the daemon.',
  hotkeyDead: 'The stop hotkey does not work here: {reason}',
  stopping: 'Stopping…',
  stopNotConfirmed: 'NOT CONFIRMED. Press {chord}.',
  codeAsk: 'No hand was felt on this desktop’s own mouse or keyboard. Type {code} to confirm.',
  commandRefused: '{command} was refused: {message}',
  commandNotConfirmed: '{command} is not confirmed. {message}',
  idle: 'No run. Start one with: deskhand run "…"',
  lastRun: 'The last run: {status}.',
  stoppedAt: 'Stopped at {time} {by}. Nothing will run until you reset.',
  stopped: 'Stopped {by}. Nothing will run until you reset.',
  disconnected: 'The agent can do nothing until the server is back.',
  lostGuard: 'Guard does not answer. Nothing is confirmed here.',
  lostDaemon: 'The daemon does not answer. Guard withholds all input.',
  lostHost: 'This window lost its own process.',
  pairing: 'Pairing with {host}.',
  pairingCode: 'Code: {code}',
  pairingUntil: 'until {time}',
  step: 'step {step} of {max}',
  costOf: '{cost} of {budget}',
  next: 'next',
  last: 'last',
  why: 'why (the agent’s words)',
  asks: 'It asks (the agent’s words)',
  inApplication: 'in {application}',
  note: 'Answer or note',
  steps: 'Steps',
  noSteps: 'No step yet.',
  took: '{seconds} s',
  runsToday: 'Runs since this panel opened',
  replay: 'deskhand replay {id}',
  details: 'Details',
  thumbnail: 'The screen as the agent sees it',
  thumbnailTarget: 'The screen as the agent sees it; the cross-hair marks where it acts next',
  thumbnailHidden: 'Not shown while you are in control',
  time: 'Time used',
  resetHold: 'Hold to reset',
  resetAgain: 'Activate again to reset',
  keepOnTop: 'Keep on top',
  linkUsed: 'This link was used already, or is too old. Open panel-link.html in the data folder instead.',
  connecting: 'Connecting…',
} as const;

/** `fill('a {b}', {b: 'c'})` → `a c`. */
export function fill(pattern: string, values: Readonly<Record<string, string | number>>): string {
  return pattern.replace(/\{(\w+)\}/g, (_all, name: string) => String(values[name] ?? ''));
}
