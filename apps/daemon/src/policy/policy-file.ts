import { statSync } from 'node:fs';
import {
  changePolicy,
  DEFAULT_POLICY,
  type LoadedPolicy,
  loadPolicy,
  type PolicyChange,
  type PolicyFile,
  savePolicy,
} from '@deskhand/protocol/policy-file';

/** Reads the policy when it changed since the last look, so that an edit counts from the next action on. */
export class PolicyReader {
  readonly #path: string;
  #seen = '';
  /** Until a file was read: a daemon that starts on a broken one must not show more than it would have at first. */
  #private: PolicyFile['private'] = DEFAULT_POLICY.private;
  #loaded: LoadedPolicy = { state: 'missing', reason: 'It was not read yet.' };

  constructor(path: string) {
    this.#path = path;
  }

  get current(): LoadedPolicy {
    let seen: string;
    try {
      const { mtimeMs, size, ino } = statSync(this.#path);
      seen = `${mtimeMs} ${size} ${ino}`;
    } catch {
      this.#seen = '';
      return { state: 'missing', reason: `There is no ${this.#path}.` };
    }
    if (seen !== this.#seen) {
      this.#loaded = loadPolicy(this.#path);
      this.#seen = seen;
    }
    return this.#loaded;
  }

  /** What is marked private. While the file is gone or broken, what was marked last stays so. */
  get private(): PolicyFile['private'] {
    const loaded = this.current;
    if (loaded.state === 'loaded') this.#private = loaded.policy.private;
    return this.#private;
  }

  /** Writes one rule. @throws the file system's error; a policy that is not loaded stays as it is. */
  change(change: PolicyChange): void {
    const loaded = this.current;
    if (loaded.state !== 'loaded') throw new Error(loaded.reason);
    savePolicy(this.#path, changePolicy(loaded.policy, change));
  }
}
