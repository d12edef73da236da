import { fileURLToPath } from 'node:url';
import { ProtocolError } from '@deskhand/protocol';

/**
 * What a person means by an address: a whole URL, or a bare host that gets https:// (http:// on this computer).
 * @param mayOpenFile decides about a `file:` URL by its path.
 * @throws ProtocolError VALIDATION_ERROR for what is no address; POLICY_DENIED for a scheme that is not opened here.
 */
export function toPageUrl(input: string, mayOpenFile: (path: string) => boolean): string {
  const text = input.trim();
  if (text === 'about:blank') return text;
  const malformed = () =>
    new ProtocolError('VALIDATION_ERROR', `"${text.slice(0, 200)}" is not an address a browser can go to.`);
  if (text === '' || /\s/.test(text) || hasControlCharacter(text)) throw malformed();

  const hasScheme = /^[a-z][a-z0-9+.-]*:/i.test(text) && !/^[^/:]+:\d+(\/|\?|#|$)/.test(text);
  const local = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(?=[:/?#]|$)/i.test(text);
  const whole = hasScheme ? text : `${local ? 'http' : 'https'}://${text}`;
  let url: URL;
  try {
    url = new URL(whole);
  } catch {
    throw malformed();
  }
  if (url.protocol === 'http:' || url.protocol === 'https:') {
    if (url.hostname === '') throw malformed();
    if (url.username !== '' || url.password !== '') {
      throw new ProtocolError(
        'POLICY_DENIED',
        'Addresses with a user name or password in them are not opened.',
        {
          rule: 'browser.credentials_in_url',
        },
      );
    }
    return url.href;
  }
  if (url.protocol === 'file:') {
    let path: string;
    try {
      path = fileURLToPath(url);
    } catch {
      throw malformed();
    }
    if (mayOpenFile(path)) return url.href;
    throw new ProtocolError(
      'POLICY_DENIED',
      'This desktop’s policy does not let the browser open that file.',
      {
        rule: 'browser.file',
      },
    );
  }
  throw new ProtocolError(
    'POLICY_DENIED',
    `The browser opens http, https and allowed files here, not ${url.protocol}`,
    {
      rule: 'browser.scheme',
    },
  );
}

function hasControlCharacter(text: string): boolean {
  return /[\u0000-\u001f\u007f]/.test(text);
}
