import { errorAttributes, type Logger } from '@deskhand/base';
import { hasSecretReference, MODIFIER_KEYS, type Operation, type WindowInfo } from '@deskhand/protocol';
import type { DerivedAction } from '@deskhand/protocol/policy-file';
import type { PolicyQuestion } from '../policy/policy.ts';
import { hasRootBelow, isTerminal } from '../policy/root-terminal.ts';
import type { ElementFacts, FocusedField, WindowIdentity } from '../ports.ts';
import type { SecretPlace } from '../secrets/resolve-secrets.ts';
import type { DesktopSenses } from './desktop-senses.ts';

/** An application that does not answer in this time hides its fields from policy; see docs/safety.md. */
const FIELD_CEILING_MS = 500;

/** What policy needs to know beyond the window itself, read at the moment of input. */
export class ReceiverFacts {
  readonly #senses: DesktopSenses;
  readonly #ownUid: number | null;
  readonly #log: Logger;

  constructor(senses: DesktopSenses, log: Logger, ownUid: number | null = process.getuid?.() ?? null) {
    this.#senses = senses;
    this.#log = log;
    this.#ownUid = ownUid;
  }

  async question(
    operation: Operation,
    window: WindowInfo | null,
    signal: AbortSignal,
  ): Promise<PolicyQuestion> {
    if (window === null) return { operation, window };
    const [identity, pageUrl, field] = await Promise.all([
      this.identity(window),
      this.#pageUrl(window),
      spells(operation) ? this.#focus(window, signal) : null,
    ]);
    const kinds: DerivedAction[] = [];
    // Where a secret may go was said when it was set; what else is typed with it is nobody's password.
    if (operation.type === 'type_text' && hasSecretReference(operation.text)) kinds.push('type_secret');
    else if (field?.protected === true) kinds.push('type_password');
    const { names, pid } = identity;
    if (pid !== null && isTerminal([window.application, ...names]) && hasRootBelow(pid, this.#ownUid))
      kinds.push('root_terminal');
    return { operation, window, names, pageUrl, kinds };
  }

  async identity(window: WindowInfo): Promise<WindowIdentity> {
    const { windows } = this.#senses;
    const unknown = { names: [], pid: null, program: null };
    return (await this.#fact('identity', windows.identity?.(window.id))) ?? unknown;
  }

  /** The element that keys would go to; null when there is none, or nobody tells. */
  async field(window: WindowInfo, signal: AbortSignal): Promise<FocusedField | null> {
    const { browser, elements } = this.#senses;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(FIELD_CEILING_MS)]);
    if (browser?.isOurs(window) === true)
      return (await this.#fact('field', browser.focusedField(window, { signal: limited }))) ?? null;
    const found = await this.#fact('field', elements?.elements(window, { signal: limited }));
    signal.throwIfAborted();
    const focused = found?.find(({ states }) => states.includes('focused'));
    if (focused === undefined) return null;
    const isProtected = isPassword(focused);
    const editable = focused.states.includes('editable') || isProtected || focused.role === 'terminal';
    return { editable, protected: isProtected, bounds: focused.bounds, origin: null };
  }

  /**
   * The same without its place. An application is asked about the one object that said last that it has the focus, and
   * believed if it still has it and lies in this window; a tree of a hundred objects takes up to fifty times as long.
   */
  async #focus(window: WindowInfo, signal: AbortSignal): Promise<Pick<FocusedField, 'protected'> | null> {
    const { browser, elements, windows } = this.#senses;
    if (browser?.isOurs(window) === true || elements?.focused === undefined)
      return this.field(window, signal);
    const [all, said] = await Promise.all([
      this.#fact('windows', windows.windows()),
      this.#fact('focus', elements.focused(window, { signal })),
    ]);
    signal.throwIfAborted();
    const alone = all?.filter(({ pid }) => pid === window.pid).length === 1;
    const focused = alone ? said : await this.#fact('focus', elements.focusedIn?.(window, { signal }));
    signal.throwIfAborted();
    if (focused?.states.includes('focused') !== true) return this.field(window, signal);
    return { protected: isPassword(focused) };
  }

  /** What decides where a secret may be typed: nothing that a window says of itself. */
  async secretPlace(window: WindowInfo, signal: AbortSignal): Promise<SecretPlace> {
    const { browser } = this.#senses;
    const identity = await this.identity(window);
    const ours = identity.pid !== null && browser?.isOurs({ ...window, pid: identity.pid }) === true;
    const field = await this.field(window, signal);
    if (field === null || field.bounds !== null || !ours) return { window, identity, field, ours };
    const elements = await this.#fact('field', browser?.elements(window, { signal }));
    const focused = elements?.find(({ states }) => states.includes('focused'));
    return { window, identity, field: { ...field, bounds: focused?.bounds ?? null }, ours };
  }

  async #pageUrl(window: WindowInfo): Promise<string | null> {
    const { browser } = this.#senses;
    if (browser?.isOurs(window) !== true) return null;
    return (await this.#fact('page', browser.page()))?.url ?? null;
  }

  async #fact<T>(name: string, work: Promise<T> | undefined): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      this.#log.warn('a fact for policy is missing', { fact: name, ...errorAttributes(error) });
      return undefined;
    }
  }
}

function isPassword({ role, states }: Pick<ElementFacts, 'role' | 'states'>): boolean {
  return states.includes('protected') || role === 'password_field';
}

/** Whether text could come of it, by keys or by pasting. */
function spells(operation: Operation): boolean {
  const isCharacter = (key: string) => [...key].length === 1;
  switch (operation.type) {
    case 'type_text':
      return true;
    case 'key_press':
      return operation.keys.some(isCharacter);
    case 'key_combo': {
      const keys = operation.keys.map((key) => key.toLowerCase());
      const shortcut = keys.some((key) => MODIFIER_KEYS.has(key) && key !== 'shift');
      return shortcut ? keys.includes('v') : keys.some((key) => isCharacter(key) || key === 'insert');
    }
    default:
      return false;
  }
}
