import type { ClauseText } from './clause-text.ts';
import type { CompoundReader } from './compounds/compound.ts';
import { readTypedCount } from './compounds/counts.ts';
import {
  readAddText,
  readCopyInto,
  readCopyOfFile,
  readEditIn,
  readNewFile,
  readReplace,
} from './compounds/documents.ts';
import {
  readAnnounced,
  readAnswer,
  readEachNamed,
  readEntries,
  readForm,
  readFormLine,
  readLeave,
  readLogin,
  readSeveralTimes,
  readTypedTimes,
} from './compounds/forms.ts';
import { readOpenSeveral, readWrittenLines, readWrittenList } from './compounds/lists.ts';
import {
  readFind,
  readFolder,
  readFromPage,
  readHere,
  readInApplication,
  readOnPage,
  readOpenFile,
  readRow,
  readStatement,
} from './compounds/places.ts';
import { readRelease } from './compounds/release.ts';
import { readShellWords } from './compounds/shell-words.ts';
import type { Intent, IntentReader } from './intent.ts';
import { readCloseWindow, readFocusWindow, readOpenApplication } from './intents/application.ts';
import { readCheck } from './intents/checking.ts';
import { readChecked, readMenu, readOption } from './intents/choosing.ts';
import { readCommand, readFreeCommand } from './intents/commands.ts';
import {
  readAnswerDialog,
  readCompute,
  readGoToPart,
  readLooseClick,
  readToCart,
  readUseControl,
} from './intents/controls.ts';
import { readCount } from './intents/counting.ts';
import { readSave, readUpload } from './intents/files.ts';
import { readPress } from './intents/keys.ts';
import { readScreenshot } from './intents/looking.ts';
import { readGoTo } from './intents/navigation.ts';
import { readClick, readDrag, readHover, readIndirectClick } from './intents/pointing.ts';
import { readRemember, readTell } from './intents/remembering.ts';
import { readScroll } from './intents/scrolling.ts';
import { readClear, readType } from './intents/typing.ts';
import { readWait } from './intents/waiting.ts';
import { URL_ATOM } from './text.ts';

/** Families in order: the first that knows the clause wins, so the more particular ones stand first. */
const READERS: readonly IntentReader[] = [
  readScreenshot,
  readIndirectClick,
  readGoTo,
  readWait,
  readScroll,
  readAnswerDialog,
  readToCart,
  readUpload,
  readSave,
  readCommand,
  readChecked,
  readCheck,
  readMenu,
  readCount,
  readTell,
  readCompute,
  readPress,
  readGoToPart,
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
  readLooseClick,
  readUseControl,
];

/** Clauses that ask for several things, or name a place before what to do there: tried before the plain readings … */
const COMPOUNDS_FIRST: readonly CompoundReader[] = [
  readWrittenList,
  readWrittenLines,
  readOpenSeveral,
  readEditIn,
  readCopyOfFile,
  readFolder,
  readOpenFile,
  readShellWords,
  readHere,
  readRow,
  readEachNamed,
  readInApplication,
  readNewFile,
  readSeveralTimes,
  readTypedTimes,
  readLeave,
  readRelease,
  readTypedCount,
  readCopyInto,
  readLogin,
  readForm,
  readAnswer,
  readEntries,
  readAddText,
  readReplace,
];
/** … and where none of those fits. */
const COMPOUNDS_LAST: readonly CompoundReader[] = [
  readOnPage,
  readFind,
  readStatement,
  readAnnounced,
  readFormLine,
];

const HAS_URL = new RegExp(URL_ATOM, 'u');

/** How deep a clause may hold others ("in the terminal, on the page …, click …"). */
const MAX_DEPTH = 3;

/** What a clause asks for, in order; null when nobody understands it. */
export function readIntents(clause: ClauseText, depth = 0): readonly Intent[] | null {
  if (clause.text.length > MAX_CLAUSE_CHARACTERS || depth > MAX_DEPTH) return null;
  const inner = (part: string) => readIntents({ ...clause, text: part.trim() }, depth + 1);
  const compound = (readers: readonly CompoundReader[]) => {
    for (const read of readers) {
      const intents = read(clause, inner);
      if (intents !== null) return intents;
    }
    return null;
  };
  // An address is gone to, before what is to be done there.
  if (HAS_URL.test(clause.text)) {
    const goes = readGoTo(clause);
    const onPage = goes === null ? compound([readFromPage, readOnPage]) : [goes];
    if (onPage !== null) return onPage;
  }
  const command = readCommand(clause) ?? readFreeCommand(clause);
  if (command !== null) return [command];
  const first = compound(COMPOUNDS_FIRST);
  if (first !== null) return first;
  const intent = readIntent(clause);
  return intent === null ? compound(COMPOUNDS_LAST) : [intent];
}

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
