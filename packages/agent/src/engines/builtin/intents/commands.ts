import type { Intent, IntentReader } from '../intent.ts';
import { QUOTE } from '../text.ts';
import { firstMatch, pattern } from './patterns.ts';

const SHELL = '(?:(?:the\\s+|a\\s+)?(?:terminal|shell|command\\s?line|console|bash|command\\s+prompt))';

const RUN = [
  pattern(
    `(?:run|execute|issue|use|start|launch)\\s+(?:the\\s+)?(?:shell\\s+|terminal\\s+|bash\\s+)?(?:command\\s+)?(?<command>${QUOTE})\\s+(?:in|on|at|from|inside|using|with)\\s+${SHELL}(?:\\s+(?:and\\s+)?(?:press|hit)\\s+enter)?`,
  ),
  pattern(
    `(?:in|on|at|from|inside|using|with)\\s+${SHELL},?\\s+(?:run|execute|issue)\\s+(?:the\\s+command\\s+)?(?<command>.+)`,
  ),
  pattern(
    `(?:run|execute|issue|use)\\s+(?:the\\s+)?(?:shell\\s+|terminal\\s+|bash\\s+|following\\s+)*command\\s*:?\\s+(?<command>.+?)(?:\\s+(?:in|on|at)\\s+${SHELL})?`,
  ),
  pattern(`(?:run|execute)\\s+(?<command>.+?)\\s+(?:in|on|at|from|inside)\\s+${SHELL}`),
  pattern(`(?:run|execute)\\s+(?<command>${QUOTE})`),
  pattern(`execute\\s+(?<command>.+)`),
];

/** Words that nobody runs but in a shell. */
const SHELL_WORD =
  /^(?:ls|cd|pwd|echo|printf|cat|date|whoami|hostname|id|mkdir|rmdir|touch|cp|mv|rm|ln|chmod|grep|find|sort|head|tail|wc|seq|uname|df|du|ps|free|uptime|env|export|which|man|tar|zip|unzip|curl|wget|ping|git|make|npm|node|python3?|pip|bash|sh|sleep|kill|history|clear|exit)(?:\s|$)/;
const FREE = [pattern(`(?:run|execute)\\s+(?<command>[^\\s].*)`)];

/** "run echo hi > /tmp/a": a command by its looks, without a quote or a word for it. */
export const readFreeCommand: IntentReader = (clause): Intent | null => {
  const command = firstMatch(FREE, clause.text)?.command;
  if (command === undefined || /\s(?:in|on|from)\s/i.test(command)) return null;
  const text = clause.meaning(command).trim();
  const looks = SHELL_WORD.test(text) || /[|>&$*]|\s-{1,2}[a-z]/i.test(text);
  return looks ? { type: 'run_command', command: text, ceilingMs: 30_000 } : null;
};

/** run a command in a terminal. */
export const readCommand: IntentReader = (clause): Intent | null => {
  const command = firstMatch(RUN, clause.text)?.command;
  if (command === undefined) return null;
  const text = clause.meaning(command).trim();
  return text === '' ? null : { type: 'run_command', command: text, ceilingMs: 30_000 };
};
