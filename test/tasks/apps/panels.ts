import { page, type Site, startSite, text } from './site.ts';

export type PanelFault = 'wrong_project' | 'drops_field' | 'cancels' | 'wrong_list';

/** Tabs, in-page and native dialogs, a context menu, a board to drag on, a hover menu, folded sections. */
export interface Panels extends Site {
  readonly projects: readonly string[];
  readonly profile: Readonly<Record<string, string>>;
  /** Card → list. */
  readonly board: ReadonlyMap<string, string>;
  readonly exported: readonly string[];
}

const post = (path: string, body: string) =>
  `fetch('${path}',{method:'POST',headers:{'content-type':'application/x-www-form-urlencoded'},body:new URLSearchParams(${body})})`;

export async function startPanels(fault: PanelFault | null): Promise<Panels> {
  const projects = ['Atlas', 'Borealis', 'Cinder'];
  const profile: Record<string, string> = { city: 'Oslo', phone: '', motto: '' };
  const board = new Map([
    ['Paint the fence', 'To do'],
    ['Order seeds', 'To do'],
    ['Fix the gate', 'Doing'],
  ]);
  const exported: string[] = [];
  const site = await startSite({
    'GET /tabs': () => ({
      html: page(
        'Profile',
        `<h1>Profile</h1><div role="tablist" style="border-bottom:1px solid #ccc">${['General', 'Contact', 'Motto'].map((name, index) => `<button role="tab" id="tab-${name}" aria-selected="${index === 0}" aria-controls="panel-${name}">${name}</button>`).join('')}</div>
<div role="tabpanel" id="panel-General" aria-labelledby="tab-General"><label for="city">City</label><input type="text" id="city" value="${text(profile.city ?? '')}"></div>
<div role="tabpanel" id="panel-Contact" aria-labelledby="tab-Contact" hidden><label for="phone">Phone</label><input type="text" id="phone" value="${text(profile.phone ?? '')}"></div>
<div role="tabpanel" id="panel-Motto" aria-labelledby="tab-Motto" hidden><label for="motto">Motto</label><input type="text" id="motto" value="${text(profile.motto ?? '')}"></div>
<p><button id="save">Save profile</button></p><p id="said" role="status"></p><p>Stored phone: ${text(profile.phone || 'none')}. Stored city: ${text(profile.city ?? '')}.</p>`,
        {
          script: `const tabs=[...document.querySelectorAll('[role=tab]')];tabs.forEach(t=>t.onclick=()=>tabs.forEach(o=>{o.setAttribute('aria-selected',o===t);document.getElementById(o.getAttribute('aria-controls')).hidden=o!==t}));
document.getElementById('save').onclick=async()=>{await ${post('/profile', '{city:city.value,phone:phone.value,motto:motto.value}')};location.reload()}`,
        },
      ),
    }),
    'POST /profile': ({ form }) => {
      for (const name of Object.keys(profile))
        if (!(fault === 'drops_field' && name !== 'motto')) profile[name] = form.get(name) ?? '';
      return { json: {} };
    },
    'GET /projects': () => ({
      html: page(
        'Projects',
        `<h1>Projects</h1><table>${projects.map((name) => `<tr><td>${text(name)}</td><td><button data-name="${text(name)}" class="rename">Rename</button> <button data-name="${text(name)}" class="remove">Remove</button></td></tr>`).join('')}</table><p><button id="add">Add project</button></p>
<dialog id="dialog"><h2 id="heading">Project name</h2><form method="dialog"><label for="field">Name of the project</label><input type="text" id="field"><p><button value="ok">Save project</button> <button value="cancel">Cancel</button></p></form></dialog>`,
        {
          script: `const d=document.getElementById('dialog');let old='';
document.getElementById('add').onclick=()=>{old='';field.value='';d.showModal()};
document.querySelectorAll('.rename').forEach(b=>b.onclick=()=>{old=b.dataset.name;field.value=old;d.showModal()});
document.querySelectorAll('.remove').forEach(b=>b.onclick=async()=>{if(confirm('Remove '+b.dataset.name+'?')){await ${post('/remove', '{name:b.dataset.name}')};location.reload()}});
d.onclose=async()=>{if(d.returnValue==='ok'){await ${post('/project', '{old,name:field.value}')};location.reload()}}`,
        },
      ),
    }),
    'POST /project': ({ form }) => {
      const old = form.get('old') ?? '';
      const name = form.get('name') ?? '';
      if (fault === 'cancels') return { json: {} };
      const index = projects.indexOf(old);
      if (index < 0) projects.push(fault === 'wrong_project' ? `${name.slice(0, -1)}` : name);
      else projects[fault === 'wrong_project' ? (index + 1) % projects.length : index] = name;
      return { json: {} };
    },
    'POST /remove': ({ form }) => {
      const index = projects.indexOf(form.get('name') ?? '');
      if (fault !== 'cancels')
        projects.splice(fault === 'wrong_project' ? (index + 1) % projects.length : index, 1);
      return { json: {} };
    },
    'GET /board': () => ({
      html: page(
        'Board',
        `<h1>Board</h1><div class="cards">${['To do', 'Doing', 'Done']
          .map(
            (list) =>
              `<section class="card list" aria-label="${list}" data-list="${list}" style="min-height:220px"><h2>${list}</h2>${[
                ...board,
              ]
                .filter(([, at]) => at === list)
                .map(
                  ([card]) =>
                    `<div class="card item" draggable="true" data-card="${text(card)}" tabindex="0">${text(card)}</div>`,
                )
                .join('')}</section>`,
          )
          .join('')}</div>
<p>${[...board].map(([card, list]) => `${text(card)} is in ${list}.`).join(' ')}</p>
<menu id="menu" role="menu" hidden style="position:fixed;background:#fff;border:1px solid #888;padding:4px;margin:0;list-style:none">${['To do', 'Doing', 'Done'].map((list) => `<li role="menuitem" tabindex="-1" style="padding:6px 14px;cursor:default" data-to="${list}">Move to ${list}</li>`).join('')}</menu>`,
        {
          script: `let card='';const move=async(to)=>{await ${post('/move', '{card,to}')};location.reload()};
document.querySelectorAll('.item').forEach(i=>{i.ondragstart=e=>{card=i.dataset.card;e.dataTransfer.setData('text/plain',card)};
i.oncontextmenu=e=>{e.preventDefault();card=i.dataset.card;menu.hidden=false;menu.style.left=e.clientX+'px';menu.style.top=e.clientY+'px'}});
document.querySelectorAll('.list').forEach(l=>{l.ondragover=e=>e.preventDefault();l.ondrop=e=>{e.preventDefault();move(l.dataset.list)}});
document.querySelectorAll('#menu li').forEach(m=>m.onclick=()=>move(m.dataset.to));
document.onclick=e=>{if(!menu.contains(e.target))menu.hidden=true}`,
        },
      ),
    }),
    'POST /move': ({ form }) => {
      const to = form.get('to') ?? '';
      const lists = ['To do', 'Doing', 'Done'];
      const chosen = fault === 'wrong_list' ? (lists[(lists.indexOf(to) + 1) % 3] ?? to) : to;
      board.set(form.get('card') ?? '', chosen);
      return { json: {} };
    },
    'GET /export': () => ({
      html: page(
        'Export',
        `<h1>Export</h1><details><summary>Advanced formats</summary><p><button data-format="Parquet">Export as Parquet</button> <button data-format="Avro">Export as Avro</button></p></details><p><button data-format="CSV">Export as CSV</button></p>
<div id="hover" style="position:relative;display:inline-block"><button aria-haspopup="true" id="more">More</button><div id="drop" hidden style="position:absolute;background:#fff;border:1px solid #888;padding:6px"><button data-format="Clipboard">Copy to clipboard</button></div></div><p>Exported so far: ${exported.length === 0 ? 'nothing' : exported.join(', ')}</p>`,
        {
          script: `hover.onmouseenter=()=>drop.hidden=false;hover.onmouseleave=()=>drop.hidden=true;
document.querySelectorAll('[data-format]').forEach(b=>b.onclick=async()=>{await ${post('/export', '{format:b.dataset.format}')};location.reload()})`,
        },
      ),
    }),
    'POST /export': ({ form }) => {
      exported.push(fault === 'wrong_list' ? 'CSV' : (form.get('format') ?? ''));
      return { json: {} };
    },
  });
  return Object.assign(site, { projects, profile, board, exported });
}
