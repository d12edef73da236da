import { basename } from 'node:path';
import type { Secret } from '@deskhand/base';
import {
  canonicalUrl,
  ProtocolError,
  parseUrlPattern,
  secretNamesIn,
  urlMatches,
  type WindowInfo,
  withSecrets,
} from '@deskhand/protocol';
import type { SecretBindings, SecretVault } from '@deskhand/protocol/secret-vault';
import type { FocusedField, WindowIdentity } from '../ports.ts';

/** Where a secret is about to be typed, as the system and our browser tell; nothing of it is a window's own word. */
export type SecretPlace = Readonly<{
  window: WindowInfo;
  identity: WindowIdentity;
  field: FocusedField | null;
  /** The window is our browser's, by the process that really made it. */
  ours: boolean;
}>;

export type ResolvedText = Readonly<{ text: string; values: ReadonlyMap<string, Secret> }>;

/**
 * The text with its secrets in it, for hands alone.
 * @throws ProtocolError SECRET_UNKNOWN, SECRET_NOT_BOUND, SECRET_FIELD_UNKNOWN, SECRET_UNAVAILABLE; none quotes a value.
 */
export async function resolveSecrets(
  text: string,
  place: SecretPlace | null,
  vault: Pick<SecretVault, 'open'>,
): Promise<ResolvedText> {
  const values = new Map<string, Secret>();
  for (const name of secretNamesIn(text)) {
    const { value, bindings } = await vault.open(name);
    if (place === null || place.field?.editable !== true)
      throw new ProtocolError(
        'SECRET_FIELD_UNKNOWN',
        `No text field is known to have the focus, so the secret "${name}" was not typed. Click into its field first.`,
      );
    if (!isBound(bindings, place)) throw notBound(name, bindings, place);
    values.set(name, value);
  }
  return { text: withSecrets(text, (name) => values.get(name)?.reveal() ?? ''), values };
}

/** A page is bound by its address only, never by the browser that shows it. */
export function isBound({ urls, apps }: SecretBindings, { ours, field, identity }: SecretPlace): boolean {
  if (ours) {
    const url = canonicalUrl(field?.origin ?? '');
    // Only the origin is known to be the field's own; paths of a pattern are not looked at.
    return (
      field?.origin != null &&
      field.origin !== 'null' &&
      url !== null &&
      urls.some((pattern) =>
        urlMatches({ ...parseUrlPattern(pattern), path: null }, url, { exactPort: true }),
      )
    );
  }
  const { program } = identity;
  return program !== null && apps.some((app) => app === program || app === basename(program));
}

function notBound(name: string, { urls, apps }: SecretBindings, place: SecretPlace): ProtocolError {
  const here = place.ours
    ? (place.field?.origin ?? 'a page without an address')
    : (place.identity.program ?? 'a program nobody can name');
  return new ProtocolError(
    'SECRET_NOT_BOUND',
    `The secret "${name}" may be typed into ${[...urls, ...apps].join(', ')} only, not into ${here}.`.slice(
      0,
      1000,
    ),
  );
}
