import { page, type Site, startSite, text } from './site.ts';

/** Pages where something gets in the way: boxes that come by themselves, windows that close, things that move or go. */
export interface Surprises extends Site {
  readonly done: readonly string[];
  /** What was hit although nobody asked for it. */
  readonly harm: readonly string[];
}

const form = (fields: readonly string[], button: string) =>
  `<form method="post" action="/save">${fields.map((name) => `<label for="${name}">${name}</label><input type="text" id="${name}" name="${name}">`).join('')}<p><button>${button}</button></p></form>`;

export async function startSurprises({ loses }: { loses: boolean }): Promise<Surprises> {
  const done: string[] = [];
  const harm: string[] = [];
  const said = () =>
    done.length === 0 ? '' : `<div class="note" role="status">Stored: ${text(done.join(', '))}</div>`;
  const shows = (title: string, body: () => string, script?: string) => () => ({
    html: page(title, `${said()}${body()}`, script === undefined ? {} : { script }),
  });
  const site = await startSite({
    'POST /save': ({ form: sent }) => {
      if (!loses) done.push([...sent.values()].join(' '));
      return { redirect: '/saved' };
    },
    'GET /saved': shows('Saved', () => (done.length === 0 ? '<h1>Thank you</h1>' : '<h1>Saved</h1>')),
    'POST /harm': () => {
      harm.push('what lay beneath was clicked');
      return { redirect: '/saved' };
    },
    // A box of the browser's own, in the middle of the typing.
    'GET /alert': shows(
      'Guests',
      () => `<h1>Guests</h1>${form(['First', 'Second', 'Third'], 'Save guests')}`,
      `document.getElementById('Second').addEventListener('input',()=>{if(!window.said){window.said=1;setTimeout(()=>alert('Your session ends in five minutes.'),150)}})`,
    ),
    // A dialog of the page's own, over what comes next.
    'GET /modal': shows(
      'Rooms',
      () =>
        `<h1>Rooms</h1>${form(['Guest'], 'Book room')}<div id="ask" role="dialog" aria-modal="true" aria-label="Survey" hidden style="position:fixed;inset:0;background:#0009"><div class="card" style="width:360px;margin:120px auto"><h2>Do you like our site?</h2><button id="close">Close</button></div></div>`,
      `document.getElementById('Guest').addEventListener('input',()=>{if(!window.said){window.said=1;setTimeout(()=>ask.hidden=false,120)}});document.getElementById('close').onclick=()=>ask.remove()`,
    ),
    // A window of its own that is gone as soon as the pointer comes; beneath it lies something else.
    'GET /popup': shows(
      'Colours',
      () =>
        `<h1>Colours</h1><p><button id="pick">Pick a colour</button></p><div style="position:fixed;inset:140px 0 0 0;background:#fff"><form method="post" action="/harm" style="height:100%"><button style="width:100%;height:100%">Delete everything</button></form></div>`,
      `pick.onclick=()=>open('/colour','_blank','width=420,height=320,left=300,top=260')`,
    ),
    'GET /colour': () => ({
      html: page(
        'Choose',
        '<h1>Choose</h1><p><button id="red">Red</button> <button id="green">Green</button></p>',
        {
          script: `addEventListener('mousemove',()=>close())`,
        },
      ),
    }),
    'GET /runs-away': shows(
      'Catch',
      () =>
        `<h1>Catch</h1><form method="post" action="/save"><input type="hidden" name="x" value="caught"><button id="it" style="position:fixed;left:200px;top:200px">Catch me</button></form>`,
      `let n=0;it.addEventListener('mouseenter',()=>{n+=1;it.style.left=200+(n*97)%500+'px';it.style.top=200+(n*61)%300+'px'})`,
    ),
    'GET /goes': shows(
      'Offer',
      () => `<h1>Offer</h1>${form(['Code'], 'Use code')}`,
      `document.getElementById('Code').addEventListener('focus',(event)=>event.target.closest('form').remove())`,
    ),
    'GET /tab': shows(
      'Lists',
      () => `<h1>Lists</h1><p><a href="/inside" target="_blank">Open the list</a></p>`,
    ),
    'GET /inside': shows('List', () => `<h1>List</h1>${form(['Thing'], 'Add thing')}`),
    'GET /late-move': shows(
      'News',
      () =>
        `<h1>News</h1><div id="top"></div><form method="post" action="/save"><input type="hidden" name="x" value="subscribed"><button>Subscribe</button></form>`,
      `setTimeout(()=>{top.innerHTML='<div style="height:160px" class="card">Breaking news</div>'},700);const top=document.getElementById('top')`,
    ),
  });
  return Object.assign(site, { done, harm });
}
