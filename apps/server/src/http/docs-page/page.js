// Reads /openapi.json and writes it out, as text only, so that nothing in it can become markup.
(() => {
  const byId = (id) => document.getElementById(id);
  const el = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const code = (text) => el('code', {}, text);
  /** `name` in backquotes is code. */
  const prose = (text) => text.split('`').map((part, index) => (index % 2 === 1 ? code(part) : part));
  /** Long paths may break after their dots. */
  const fieldName = (name) => {
    const element = el('code');
    for (const part of name.split(/(?<=\.)/)) element.append(part, el('wbr'));
    return element;
  };
  const TITLES = { llm: 'Model keys', admin: 'This server' };
  const titleOf = (tag) => TITLES[tag] ?? tag.charAt(0).toUpperCase() + tag.slice(1);

  const withoutNull = (schema) => {
    const parts = schema.anyOf ?? schema.oneOf;
    if (parts === undefined) return [schema];
    return parts.filter((part) => part.type !== 'null').flatMap(withoutNull);
  };
  const typeOf = (schema) => [...new Set(withoutNull(schema).map(plainType))].join(' or ') || 'anything';
  const plainType = (schema) => {
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(', ');
    if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {})}`;
    return schema.type === undefined ? 'anything' : [schema.type].flat().join(' or ');
  };
  const between = (low, high, unit) => {
    if (low === undefined && high === undefined) return [];
    if (low === undefined) return [`at most ${high}${unit}`];
    if (high === undefined) return [`at least ${low}${unit}`];
    return [`${low} to ${high}${unit}`];
  };
  const SAFE = Number.MAX_SAFE_INTEGER;
  const bound = (value) => (value === undefined || Math.abs(value) >= SAFE ? undefined : value);
  const limitsOf = (schema) => [
    ...withoutNull(schema).flatMap((part) => [
      ...between(bound(part.minimum), bound(part.maximum), ''),
      ...between(part.minLength, part.maxLength, ' characters'),
      ...between(part.minItems, part.maxItems, ' items'),
    ]),
    ...(schema.default === undefined ? [] : [`${JSON.stringify(schema.default)} when left out`]),
  ];

  /** One row per field; the fields of an object inside follow it with their whole path. */
  const rowsOf = (schema, path = '') => {
    const [object = {}] = withoutNull(schema);
    const required = new Set(object.required ?? []);
    return Object.entries(object.properties ?? {}).flatMap(([name, field]) => {
      const inner = withoutNull(field).find((part) => part.properties !== undefined);
      const [items] = withoutNull(field).filter((part) => part.type === 'array');
      const item = items === undefined ? undefined : withoutNull(items.items ?? {})[0];
      const own = { name: path + name, field, required: required.has(name) };
      if (inner !== undefined) return [own, ...rowsOf(inner, `${path}${name}.`)];
      if (item?.properties !== undefined) return [own, ...rowsOf(item, `${path}${name}[].`)];
      return [own];
    });
  };
  const table = (label, heads, rows, kind = '') =>
    el(
      'div',
      { class: 'wide', role: 'region', 'aria-label': label, tabindex: '0' },
      el(
        'table',
        { class: kind },
        el('thead', {}, el('tr', {}, ...heads.map((head) => el('th', { scope: 'col' }, head)))),
        el('tbody', {}, ...rows),
      ),
    );
  const fieldTable = (label, rows, told) =>
    table(
      label,
      ['Field', 'What it is'],
      rows.map(({ name, field, required, place }) => {
        const words = [typeOf(field), ...limitsOf(field)].join(', ');
        const name_ = el('td', {}, fieldName(name));
        if (required && told) name_.append(' ', el('span', { class: 'needed' }, 'needed'));
        const text = el(
          'td',
          {},
          el('span', { class: 'type' }, place === undefined ? words : `${place}: ${words}`),
        );
        if (field.description !== undefined) text.append(el('br'), ...prose(field.description));
        return el('tr', {}, name_, text);
      }),
      'fields',
    );

  const sample = (name, field) => {
    const [part = {}] = withoutNull(field);
    if (name === 'machine_id') return '$MACHINE_ID';
    if (part.enum !== undefined) return part.enum[0];
    if (part.type === 'integer' || part.type === 'number') return Math.max(part.minimum ?? 0, 0);
    if (part.type === 'boolean') return true;
    if (part.type === 'array') return [];
    if (part.type === 'object') return {};
    return name === 'task' ? 'Open the text editor' : '…';
  };
  const curl = (method, path, operation, body) => {
    const url = `${location.origin}${path.replace(/\{(\w+)\}/g, (_, name) => `$${name.toUpperCase()}`)}`;
    const lines = [`curl ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}"${url}"`];
    if (operation.security?.length > 0) lines.push('-H "X-API-Key: $DESKHAND_API_KEY"');
    if (operation.responses?.['200']?.content?.['text/event-stream'] !== undefined)
      lines[0] = lines[0].replace('curl', 'curl -N');
    const needed = rowsOf(body ?? {}).filter((row) => row.required && !/[.[]/.test(row.name));
    if (needed.length > 0) {
      const json = JSON.stringify(
        Object.fromEntries(needed.map(({ name, field }) => [name, sample(name, field)])),
      );
      lines.push(`-d "${json.replaceAll('"', '\\"')}"`);
    }
    return lines.join(' \\\n  ');
  };

  const describe = (path, method, operation) => {
    const inside = el('div', { class: 'inside' });
    const scope = operation['x-required-scope'];
    const key = operation.security?.length > 0 ? 'Needs a key' : 'Needs no key';
    inside.append(
      el(
        'p',
        { class: 'facts' },
        scope === undefined ? `${key}.` : `${key} with the scope `,
        ...(scope === undefined ? [] : [code(scope), '.']),
      ),
    );
    const body = operation.requestBody?.content?.['application/json']?.schema;
    const parameters = (operation.parameters ?? []).map((one) => ({
      name: one.name,
      field: { ...one.schema, description: one.description },
      required: one.required,
      place: one.in,
    }));
    if (parameters.length > 0)
      inside.append(
        el('h3', {}, 'Parameters'),
        fieldTable(`Parameters of ${method} ${path}`, parameters, true),
      );
    const sent = rowsOf(body ?? {});
    if (sent.length > 0)
      inside.append(el('h3', {}, 'Body, JSON'), fieldTable(`Body of ${method} ${path}`, sent, true));
    inside.append(el('h3', {}, 'Example'), el('pre', { tabindex: '0' }, curl(method, path, operation, body)));
    const [[media, answer] = []] = Object.entries(operation.responses?.['200']?.content ?? {});
    const got = rowsOf(answer?.schema ?? {});
    if (got.length > 0)
      inside.append(el('h3', {}, 'Answer'), fieldTable(`Answer of ${method} ${path}`, got, false));
    else if (media !== undefined)
      inside.append(el('h3', {}, 'Answer'), el('p', { class: 'facts' }, code(media)));
    const head = el(
      'summary',
      {},
      el('span', { class: `verb ${method}` }, method.toUpperCase()),
      code(path),
      el('span', { class: 'what' }, operation.summary ?? ''),
    );
    return el(
      'details',
      {
        id: operation.operationId,
        'data-text': `${method} ${path} ${operation.summary ?? ''}`.toLowerCase(),
      },
      head,
      inside,
    );
  };

  const section = (id, title, ...children) => {
    byId('sections').append(el('a', { href: `#${id}` }, title));
    return el('section', { id, 'aria-label': title }, el('h2', {}, title), ...children);
  };

  const show = (api) => {
    document.title = api.info.title;
    byId('version').textContent = api.info.version;
    byId('about').textContent = api.info.description ?? '';
    const groups = new Map();
    for (const [path, methods] of Object.entries(api.paths))
      for (const [method, operation] of Object.entries(methods)) {
        const [tag = 'other'] = operation.tags ?? [];
        if (!groups.has(tag)) groups.set(tag, []);
        groups.get(tag).push(describe(path, method, operation));
      }
    const main = byId('routes');
    for (const [tag, routes] of groups) main.append(section(`section-${tag}`, titleOf(tag), ...routes));
    const errors = Object.entries(api['x-error-codes'] ?? {});
    if (errors.length > 0)
      main.append(
        section(
          'section-errors',
          'Errors',
          el(
            'p',
            {},
            'Every answer that is not 2xx has ',
            code('{"error": {"code", "message", "type", "request_id", "retryable", …}}'),
            '. Branch on the code. A run that ended badly says one of them in ',
            code('error.code'),
            '.',
          ),
          table(
            'Error codes',
            ['Code', 'HTTP', 'Meaning'],
            errors.map(([name, error]) =>
              el(
                'tr',
                { id: name },
                el('td', {}, code(name)),
                el('td', {}, String(error.status)),
                el('td', {}, ...prose(error.meaning), error.retryable ? ' Worth repeating.' : ''),
              ),
            ),
          ),
        ),
      );
    byId('bar').hidden = false;
    byId('filter').addEventListener('input', filter);
    byId('toggle').addEventListener('click', toggleAll);
    addEventListener('hashchange', openTarget);
    filter();
    openTarget();
  };

  const routes = () => [...document.querySelectorAll('details')];
  const filter = () => {
    const words = byId('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const route of routes()) {
      route.hidden = !words.every((word) => route.dataset.text.includes(word));
      if (!route.hidden) shown += 1;
    }
    for (const part of document.querySelectorAll('section')) {
      const own = [...part.querySelectorAll('details')];
      part.hidden = words.length > 0 && own.every((route) => route.hidden);
    }
    byId('count').textContent = shown === 1 ? '1 route' : `${shown} routes`;
  };
  const toggleAll = () => {
    const button = byId('toggle');
    const open = button.getAttribute('aria-expanded') !== 'true';
    for (const route of routes()) route.open = open;
    button.setAttribute('aria-expanded', String(open));
    button.textContent = open ? 'Close all' : 'Open all';
  };
  // A link to a route opens it; one to an error code, as in `docs_url` of an error, marks its row.
  const openTarget = () => {
    const target = byId(decodeURIComponent(location.hash.slice(1)));
    if (target === null) return;
    if (target instanceof HTMLDetailsElement) target.open = true;
    for (const row of document.querySelectorAll('tr.pointed')) row.classList.remove('pointed');
    if (target instanceof HTMLTableRowElement) target.classList.add('pointed');
    target.scrollIntoView();
  };

  fetch('/openapi.json')
    .then((response) => {
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      return response.json();
    })
    .then(show)
    .catch((error) => {
      byId('about').textContent =
        `The description could not be read (${error.message}). Reload the page, or look at /openapi.json.`;
    });
})();
