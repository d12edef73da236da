import {
  type CreateRunInput,
  decodeValue,
  Run,
  RunEvent,
  RunEventType,
  RunList,
  RunLog,
  RunScreenshotList,
  type RunStatus,
} from '@deskhand/protocol';
import type { CallOptions } from './call-options.ts';
import { type FollowOptions, followRun } from './follow-run.ts';
import { type Http, segment } from './http.ts';
import { llmHeaders, type RunLlmKey } from './llm-keys.ts';

export type WaitOptions = CallOptions & Readonly<{ onEvent?: (event: RunEvent) => void }>;

export type ScreenshotsOptions = CallOptions &
  Readonly<{
    /** Only screenshots after this index. */
    afterIndex?: number;
    /** 1 … 200; with pixels the server gives at most 10. @default 50 */
    limit?: number;
    /** With the pixels, base64 in `image_b64`. @default false */
    includeImage?: boolean;
  }>;

/** `/v1/runs` */
export class Runs {
  readonly #http: Http;
  constructor(http: Http) {
    this.#http = http;
  }

  /**
   * Starts a run. With an idempotency key a lost answer is asked for again and never makes a second run; without one
   * the request is sent once, and after a ConnectionError whether a run exists is unknown.
   * `llm`: a model key of your own for this run alone; it travels in headers and is never shown again.
   */
  async create(
    input: CreateRunInput,
    options: CallOptions & { idempotencyKey?: string; llm?: RunLlmKey } = {},
  ): Promise<Run> {
    return this.#http.json(Run, {
      method: 'POST',
      path: '/runs',
      body: input,
      idempotencyKey: options.idempotencyKey,
      headers: llmHeaders(options.llm),
      signal: options.signal,
    });
  }

  get(runId: string, options: CallOptions = {}): Promise<Run> {
    return this.#http.json(Run, { method: 'GET', path: `/runs/${segment(runId)}`, signal: options.signal });
  }

  /** Newest first. `limit` 1 … 200, default 20. */
  list(options: CallOptions & { status?: RunStatus; limit?: number } = {}): Promise<RunList> {
    return this.#http.json(RunList, {
      method: 'GET',
      path: '/runs',
      query: { status: options.status, limit: options.limit },
      signal: options.signal,
    });
  }

  /** Ends the run. @throws ApiError `INVALID_STATE` when it has ended already */
  cancel(runId: string, options: CallOptions = {}): Promise<Run> {
    return this.#http.json(Run, {
      method: 'POST',
      path: `/runs/${segment(runId)}/cancel`,
      body: {},
      signal: options.signal,
    });
  }

  /** Answers a run that awaits a human. @throws ApiError `NOT_AWAITING_HUMAN`, `RESUME_CONFLICT` */
  resume(runId: string, options: CallOptions & { note?: string } = {}): Promise<Run> {
    return this.#http.json(Run, {
      method: 'POST',
      path: `/runs/${segment(runId)}/resume`,
      body: options.note === undefined ? {} : { note: options.note },
      signal: options.signal,
    });
  }

  /** Follows a run to its end, over broken connections; see {@link followRun}. Leave the loop to stop following. */
  events(runId: string, options: FollowOptions = {}): AsyncIterable<RunEvent> {
    return { [Symbol.asyncIterator]: () => followRun(this.#http, runId, options) };
  }

  /** Follows the run until it has ended and returns its final state. A run that awaits a human is waited for. */
  async wait(runId: string, options: WaitOptions = {}): Promise<Run> {
    for await (const event of this.events(runId, { signal: options.signal })) options.onEvent?.(event);
    return this.get(runId, options);
  }

  /** Every stored event, without waiting for more. Types this build does not know are left out. */
  async log(runId: string, options: CallOptions = {}): Promise<RunEvent[]> {
    const log = await this.#http.json(RunLog, {
      method: 'GET',
      path: `/runs/${segment(runId)}/log`,
      signal: options.signal,
    });
    return (
      log.data
        .filter((entry) => RunEventType.safeParse(entry.type).success)
        // The payload comes twice, flat and as `data`: the same event as from `events` is what is wanted.
        .map(({ data: _, ...entry }) => decodeValue(RunEvent, entry))
    );
  }

  /** The frames the engine saw, oldest first; for the next page pass the last `index` as `afterIndex`. */
  screenshots(runId: string, options: ScreenshotsOptions = {}): Promise<RunScreenshotList> {
    return this.#http.json(RunScreenshotList, {
      method: 'GET',
      path: `/runs/${segment(runId)}/screenshots`,
      query: {
        after_index: options.afterIndex,
        limit: options.limit,
        include_image: options.includeImage,
      },
      signal: options.signal,
    });
  }
}
