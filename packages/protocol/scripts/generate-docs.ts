import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ERRORS, type ErrorCode, type ErrorType } from '../src/errors.ts';

/** Where each generated document lies. */
export const ERRORS_DOCUMENT = resolve(import.meta.dirname, '../../../docs/errors.md');

const FAMILIES: Record<ErrorType, string> = {
  validation_error: 'The request or message is not right: change it.',
  auth_error: 'Not allowed: another key, scope, origin or policy is needed.',
  billing_error: 'Not paid for.',
  not_found_error: 'No such thing, or not for this key.',
  state_error: 'Right, but not now; also how a run ended.',
  rate_limit_error: 'Too much at once: wait.',
  server_error: 'Something on this side failed.',
};

/** docs/errors.md as it should be. */
export function errorsDocument(): string {
  const lines = [
    '# Error codes',
    '',
    '<!-- Made by packages/protocol/scripts/generate-docs.ts from packages/protocol/src/errors.ts: change it there. -->',
    '',
    'Every code that the API, the link, the local sockets and the command line use. Branch on `code`, never on the text.',
    'The API sends it as `error.code` with the HTTP status below; a run that failed has it in `run.error.code`; the SDK',
    'has it in `ApiError.code`. "Again" says whether the same request may succeed later.',
  ];
  for (const [family, advice] of Object.entries(FAMILIES)) {
    const codes = (Object.keys(ERRORS) as ErrorCode[]).filter((code) => ERRORS[code].type === family);
    codes.sort((a, b) => ERRORS[a].status - ERRORS[b].status || a.localeCompare(b, 'en'));
    const rows = codes.map((code) => {
      const { status, retryable, meaning } = ERRORS[code];
      return [`\`${code}\``, String(status), retryable ? 'yes' : 'no', meaning.replaceAll('|', '\\|')];
    });
    lines.push('', `## ${family}`, '', advice, '', ...table(['Code', 'HTTP', 'Again', 'Meaning'], rows));
  }
  return `${lines.join('\n')}\n`;
}

/** A Markdown table with aligned columns, as the formatter leaves it. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map((cell) => [...cell].length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - [...cell].length)).join(' | ')} |`;
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}

if (import.meta.main) {
  const wanted = errorsDocument();
  if (process.argv.includes('--check')) {
    if (readFileSync(ERRORS_DOCUMENT, 'utf8') !== wanted) {
      console.error('docs/errors.md is out of date; run: node packages/protocol/scripts/generate-docs.ts');
      process.exitCode = 1;
    }
  } else {
    writeFileSync(ERRORS_DOCUMENT, wanted);
    console.log(`wrote ${ERRORS_DOCUMENT}`);
  }
}
