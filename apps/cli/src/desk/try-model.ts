import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Context } from '../command.ts';
import type { Finding } from './examine.ts';
import { PARTS } from './parts.ts';

const run = promisify(execFile);
const CEILING_MS = 100_000;

/** What the probe prints; null: no model is chosen. */
const Probe = z
  .looseObject({
    model: z.string(),
    state: z.enum(['ok', 'warn', 'fail']),
    detail: z.string(),
    todo: z.string().optional(),
    answeredMs: z.number(),
    usage: z
      .looseObject({
        inputTokens: z.number(),
        outputTokens: z.number(),
        costUsd: z.number().nullable().optional(),
      })
      .nullable(),
  })
  .nullable();

/** One drawn picture to the model that is chosen, by a process of the server, which holds the keys. */
export async function tryModel(dataFolder: string, context: Context): Promise<Finding[]> {
  const name = 'model answers';
  // Not worth a process: the built-in engine is nobody to ask.
  if (context.env.DESKHAND_MODEL?.toLowerCase() === 'builtin') return [];
  try {
    const { stdout } = await run(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', PARTS.modelProbe],
      {
        env: { ...(context.env as NodeJS.ProcessEnv), DESKHAND_DATA: dataFolder },
        timeout: CEILING_MS,
        signal: context.signal,
      },
    );
    const probe = Probe.parse(JSON.parse(stdout));
    if (probe === null) return [];
    const { state, usage, todo } = probe;
    const tokens =
      usage === null
        ? ''
        : `; ${usage.inputTokens} tokens in, ${usage.outputTokens} out${dollars(usage.costUsd)}`;
    const detail = `${probe.model === '' ? '' : `${probe.model} `}${probe.detail}${tokens}`;
    const advice =
      todo ?? (state === 'fail' ? 'docs/models.md says what to do about each of these.' : undefined);
    return [{ name, state, detail, ms: probe.answeredMs, ...(advice === undefined ? {} : { todo: advice }) }];
  } catch (error) {
    context.signal.throwIfAborted();
    const detail = `could not be tried: ${(error as Error).message.split('\n')[0]}`;
    return [{ name, state: 'warn', detail, todo: 'deskhand doctor --no-model leaves it out.' }];
  }
}

function dollars(costUsd: number | null | undefined): string {
  return typeof costUsd === 'number' ? `, $${costUsd.toFixed(4)}` : '';
}
