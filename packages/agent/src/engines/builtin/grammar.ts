import type { ClauseText, Intent, IntentReader } from './intent.ts';
import { readCloseWindow, readFocusWindow, readOpenApplication } from './intents/application.ts';
import { readCheck } from './intents/checking.ts';
import { readChecked, readMenu, readOption } from './intents/choosing.ts';
import { readCommand } from './intents/commands.ts';
import { readSave } from './intents/files.ts';
import { readPress } from './intents/keys.ts';
import { readScreenshot } from './intents/looking.ts';
import { readGoTo } from './intents/navigation.ts';
import { readClick, readDrag, readHover, readIndirectClick } from './intents/pointing.ts';
import { readRemember } from './intents/remembering.ts';
import { readScroll } from './intents/scrolling.ts';
import { readClear, readType } from './intents/typing.ts';
import { readWait } from './intents/waiting.ts';

/** Families in order: the first that knows the clause wins, so the more particular ones stand first. */
const READERS: readonly IntentReader[] = [
  readScreenshot,
  readIndirectClick,
  readGoTo,
  readWait,
  readScroll,
  readSave,
  readCommand,
  readChecked,
  readCheck,
  readMenu,
  readPress,
  readClear,
  readType,
  readHover,
  readDrag,
  readOption,
  readFocusWindow,
  readClick,
  readCloseWindow,
  readRemember,
  readOpenApplication,
];

/** Longest clause worth reading, in characters; quotes, URLs and paths count as one. */
const MAX_CLAUSE_CHARACTERS = 600;

export function readIntent(clause: ClauseText): Intent | null {
  if (clause.text.length > MAX_CLAUSE_CHARACTERS) return null;
  for (const read of READERS) {
    const intent = read(clause);
    if (intent !== null) return intent;
  }
  return null;
}
