import { type Logger, sleep } from '@deskhand/base';
import { intersection, type Rect } from '@deskhand/protocol';
import type { ScreenActivity, Settled } from '../ports.ts';
import type { Damage, X11Connection } from '../x11/index.ts';
import { ChangeHistory } from './change-history.ts';
import { type SettleOptions, waitForQuiet } from './wait-for-quiet.ts';

/** While somebody waits, the damage region is emptied this often, so that repeated changes show. */
const WATCHING_MS = 8;
/** Otherwise rarely: enough to learn carets, clocks and spinners, nearly free. */
const IDLE_MS = 120;

/**
 * Opens damage watching on a connection that stays the caller's.
 * @param ignored regions whose changes never count, such as our own panel; desktop space.
 * @throws X11Error or Error when the server has no DAMAGE extension.
 */
export async function openX11ScreenActivity(options: {
  connection: X11Connection;
  log: Logger;
  ignored?: () => readonly Rect[];
  now?: () => number;
}): Promise<X11ScreenActivity> {
  const damage = await options.connection.require('damage');
  const activity = new X11ScreenActivity({
    connection: options.connection,
    damage,
    ignored: options.ignored ?? (() => []),
    now: options.now ?? (() => performance.now()),
  });
  await activity.start();
  return activity;
}

/** Screen changes as the X server reports them: nothing is captured, nothing costs while nothing moves. */
export class X11ScreenActivity implements ScreenActivity {
  readonly #connection: X11Connection;
  readonly #damage: Damage;
  readonly #ignored: () => readonly Rect[];
  readonly #now: () => number;
  readonly #history = new ChangeHistory();
  readonly #ended = new AbortController();
  #damageId = 0;
  #watchers = 0;
  #emptying = false;
  #unsubscribe: () => void = () => {};

  /** Use {@link openX11ScreenActivity}. */
  constructor(parts: {
    connection: X11Connection;
    damage: Damage;
    ignored: () => readonly Rect[];
    now: () => number;
  }) {
    this.#connection = parts.connection;
    this.#damage = parts.damage;
    this.#ignored = parts.ignored;
    this.#now = parts.now;
  }

  async start(): Promise<void> {
    this.#unsubscribe = this.#connection.on('DamageNotify', (event) => {
      if (event.damage !== this.#damageId) return;
      this.#record({ x: event.area.x, y: event.area.y, width: event.area.w, height: event.area.h });
      void this.#emptySoon();
    });
    this.#damageId = await this.#damage.create(this.#connection.root, 'delta');
    this.#damage.clear(this.#damageId);
    this.mark();
  }

  mark(): void {
    this.#history.mark(this.#now());
  }

  changedAfterMs(): number | null {
    return this.#history.changedAfterMs(this.#now());
  }

  tookClockForAnswer(): boolean {
    return this.#history.tookClockForAnswer(this.#now());
  }

  async settle(options: SettleOptions, stop: { signal: AbortSignal }): Promise<Settled> {
    this.#watchers += 1;
    try {
      return await waitForQuiet(
        this.#history,
        options,
        {
          // Changes the server has seen but not yet told: one round trip makes the decision current.
          look: () => {
            this.#damage.clear(this.#damageId);
            return this.#connection.sync();
          },
          now: this.#now,
          stepMs: WATCHING_MS,
        },
        stop,
      );
    } finally {
      this.#watchers -= 1;
      this.#history.decide(this.#now());
    }
  }

  #record(rect: Rect): void {
    for (const ignored of this.#ignored()) {
      const covered = intersection(ignored, rect);
      if (covered !== null && covered.width === rect.width && covered.height === rect.height) return;
    }
    this.#history.add(rect, this.#now());
  }

  async #emptySoon(): Promise<void> {
    if (this.#emptying || this.#watchers > 0) return;
    this.#emptying = true;
    try {
      await sleep(IDLE_MS, { signal: this.#ended.signal });
      if (!this.#connection.isClosed) this.#damage.clear(this.#damageId);
    } catch {
      // Closed meanwhile.
    } finally {
      this.#emptying = false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#unsubscribe();
    if (!this.#connection.isClosed) await this.#damage.destroy(this.#damageId).catch(() => {});
  }
}
