import { page, type Site, startSite } from './site.ts';

export type SlowFault = 'fails_late' | 'stores_nothing' | 'never_finishes';

/** Pages that take their time: late answers, late lists, progress bars, a banner that comes later. */
export interface Slow extends Site {
  readonly picked: readonly string[];
  readonly imports: () => number;
}

const post = (path: string) => `await fetch('${path}',{method:'POST'})`;

export async function startSlow(fault: SlowFault | null): Promise<Slow> {
  const picked: string[] = [];
  let imports = 0;
  const site = await startSite({
    'GET /late-page': () => ({
      html: page(
        'Report',
        `<h1>Report ready</h1><form method="post" action="/pick/report"><button>Approve report</button></form>`,
      ),
      afterMs: 2500,
    }),
    'GET /late-list': () => ({
      html: page('Rooms', '<h1>Rooms</h1><p id="wait">Loading rooms…</p><div id="list"></div>', {
        script: `setTimeout(()=>{wait.remove();list.innerHTML=['Aspen','Birch','Cedar'].map(n=>'<p>'+n+' <form class="small" method="post" action="/pick/'+n+'"><button>Book '+n+'</button></form></p>').join('')},2200)`,
      }),
    }),
    'POST /pick/:name': ({ parts }) => {
      if (fault !== 'stores_nothing') picked.push(parts.name ?? '');
      return { redirect: '/picked' };
    },
    'GET /picked': () => ({
      html: page(
        'Booked',
        picked.length === 0
          ? '<h1>The booking could not be stored</h1>'
          : `<h1>Booked: ${picked.join(', ')}</h1>`,
      ),
    }),
    'GET /import': () => ({
      html: page(
        'Import',
        `<h1>Import</h1><p><button id="start">Start import</button></p><p><progress id="bar" max="100" value="0"></progress> <span id="said" role="status">Not started</span></p><p><button id="finish" disabled>Finish</button></p>`,
        {
          script: `start.onclick=()=>{start.disabled=true;let v=0;said.textContent='Importing…';const t=setInterval(async()=>{v+=10;bar.value=v;if(v>=${fault === 'never_finishes' ? '1e9' : '100'}){clearInterval(t);said.textContent='${fault === 'fails_late' ? 'Import failed at row 17' : 'Import complete'}';finish.disabled=${fault === 'fails_late' ? 'true' : 'false'}}},250)};
finish.onclick=async()=>{${post('/imported')};said.textContent='All rows are in'}`,
        },
      ),
    }),
    'POST /imported': () => {
      if (fault !== 'stores_nothing') imports += 1;
      return { json: {} };
    },
    'GET /banner': () => ({
      html: page(
        'News',
        `<h1>News</h1><p>Nothing happened today.</p><form method="post" action="/pick/newsletter"><button>Subscribe</button></form>
<div id="banner" role="dialog" aria-label="Cookies" hidden style="position:fixed;inset:0;background:#0009"><div class="card" style="width:360px;margin:160px auto"><h2>Cookies</h2><p>We would like to set some.</p><button id="reject">Reject all</button> <button id="accept">Accept all</button></div></div>`,
        {
          script: `setTimeout(()=>banner.hidden=false,400);reject.onclick=()=>{fetch('/pick/rejected',{method:'POST'});banner.remove()};accept.onclick=()=>{fetch('/pick/accepted',{method:'POST'});banner.remove()}`,
        },
      ),
    }),
  });
  return Object.assign(site, { picked, imports: () => imports });
}
