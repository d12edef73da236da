import { centerOf, contains, hasSecretReference, type ScreenElement } from '@deskhand/protocol';
import { isEditable, isProtected } from './roles.ts';
import type { Scene } from './scene.ts';
import { likeness } from './wording.ts';

/** How an expected change turned out. `unknown`: nothing on this screen can prove it either way. */
export type Expectation = 'met' | 'unmet' | 'unknown';

/** The same element on a newer sight: by id, else the same kind and name at the same place. */
export function again(scene: Scene, before: ScreenElement): ScreenElement | null {
  const byId = scene.elements.find(({ id, source }) => id === before.id && source === before.source);
  if (byId !== undefined) return byId;
  const middle = centerOf(before.bounds);
  return (
    scene.elements.find(
      (element) =>
        element.role === before.role &&
        contains(element.bounds, middle) &&
        likeness(before.name, element.name) >= 0.9,
    ) ??
    scene.elements.find((element) => element.role === before.role && contains(element.bounds, middle)) ??
    null
  );
}

/**
 * Whether a field now holds what was typed. Applications may add formatting, so letters and digits decide;
 * a field whose content cannot be read proves nothing.
 */
export function holdsText(
  field: ScreenElement | null,
  text: string,
  how: 'equals' | 'contains',
): Expectation {
  // What a placeholder stands for, this desktop never tells.
  if (field === null || isProtected(field) || hasSecretReference(text)) return 'unknown';
  if (field.value === undefined) return 'unknown';
  const value = normal(field.value);
  const wanted = normal(text);
  if (how === 'contains' ? value.includes(wanted) : value === wanted) return 'met';
  // A value cut off by its limit cannot prove more than its beginning.
  if (value.length >= 9_900 && wanted.startsWith(value.slice(0, 200))) return 'unknown';
  const kernel = kernelOf(wanted);
  if (kernel === '') return 'unmet';
  const found = kernelOf(value);
  return (how === 'contains' ? found.includes(kernel) : found === kernel) ? 'met' : 'unmet';
}

function normal(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll('\u00a0', ' ').normalize('NFC').trim();
}

function kernelOf(text: string): string {
  return text.replace(/[^\p{L}\p{N}\p{S}]+/gu, '');
}

/** The field that text typed now would reach, as far as the elements tell. */
export function typingField(scene: Scene): ScreenElement | null {
  const focused = scene.focused;
  if (focused !== null && (isEditable(focused) || isProtected(focused))) return focused;
  const active = scene.observation.activeWindowId;
  const fields = scene.elements.filter(
    (element) =>
      isEditable(element) &&
      (element.windowId === undefined || active === null || element.windowId === active),
  );
  return fields.length === 1 ? (fields[0] ?? null) : null;
}
