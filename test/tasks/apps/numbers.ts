import { page, type Site, startSite } from './site.ts';

export type NumbersFault = 'off_by_one' | 'shifts_cell' | 'subtracts';

/** A pocket calculator and a small sheet whose cells are sent to the server as they are typed. */
export interface Numbers extends Site {
  /** What each press of = gave, oldest first. */
  readonly results: readonly string[];
  readonly cells: ReadonlyMap<string, string>;
}

const KEYS = ['7', '8', '9', '÷', '4', '5', '6', '×', '1', '2', '3', '−', '0', '.', 'C', '+', '='];

export async function startNumbers(fault: NumbersFault | null): Promise<Numbers> {
  const results: string[] = [];
  const cells = new Map<string, string>();
  const columns = ['A', 'B', 'C', 'D'];
  const rows = [1, 2, 3, 4, 5, 6];
  const site = await startSite({
    'GET /calculator': () => ({
      html: page(
        'Calculator',
        `<h1>Calculator</h1><output id="display" aria-label="Display" style="display:block;font-size:32px;background:#fff;border:1px solid #ccc;width:260px;padding:8px;text-align:right">0</output>
<div style="display:grid;grid-template-columns:repeat(4,62px);gap:6px;margin-top:10px">${KEYS.map((key) => `<button style="height:48px;font-size:20px" data-key="${key}">${key}</button>`).join('')}</div>`,
        {
          script: `const d=document.getElementById('display');let left=null,op=null,fresh=true;
const apply=(a,b,o)=>o==='+'?a+b:o==='−'?a-b:o==='×'?a*b:a/b;
document.querySelectorAll('button').forEach(b=>b.onclick=async()=>{const k=b.dataset.key;
if(/[0-9.]/.test(k)){d.textContent=fresh||d.textContent==='0'&&k!=='.'?k:d.textContent+k;fresh=false}
else if(k==='C'){d.textContent='0';left=op=null;fresh=true}
else{const now=Number(d.textContent);let v=op&&!fresh?apply(left,now,op):now;v=Math.round(v*1e9)/1e9;
if(k==='='){${fault === 'off_by_one' ? 'v+=1;' : ''}await fetch('/result',{method:'POST',headers:{'content-type':'application/x-www-form-urlencoded'},body:'value='+v});op=null}else op=k;
left=v;d.textContent=String(v);fresh=true}});`,
        },
      ),
    }),
    'POST /result': ({ form }) => {
      results.push(form.get('value') ?? '');
      return { json: {} };
    },
    'GET /sheet': () => ({
      html: page(
        'Sheet',
        `<h1>Sheet</h1><table><tr><th></th>${columns.map((name) => `<th>${name}</th>`).join('')}</tr>${rows.map((row) => `<tr><th>${row}</th>${columns.map((column) => `<td><input type="text" style="width:120px" aria-label="${column}${row}" value="${cells.get(`${column}${row}`) ?? ''}"></td>`).join('')}</tr>`).join('')}</table><p>Sum of column A: <strong id="sum">0</strong></p>`,
        {
          script: `const all=[...document.querySelectorAll('input')];
const at=(name)=>all.find(i=>i.ariaLabel===name);
const number=(name)=>Number(at(name)?.dataset.shown??at(name)?.value)||0;
const compute=(text)=>{const m=/^=\\s*([A-D][1-6])\\s*([-+*/])\\s*([A-D][1-6])$/i.exec(text);if(m){const a=number(m[1].toUpperCase()),b=number(m[3].toUpperCase());return String(m[2]==='+'?${fault === 'subtracts' ? 'a-b' : 'a+b'}:m[2]==='-'?a-b:m[2]==='*'?a*b:a/b)}
const s=/^=\\s*SUM\\(A([1-6]):A([1-6])\\)$/i.exec(text);if(s){let t=0;for(let i=+s[1];i<=+s[2];i++)t+=number('A'+i);return String(t${fault === 'subtracts' ? '-1' : ''})}return text};
all.forEach(i=>i.onchange=async()=>{const v=compute(i.value);i.dataset.shown=v;i.value=v;
document.getElementById('sum').textContent=all.filter(x=>x.ariaLabel[0]==='A').reduce((t,x)=>t+(Number(x.value)||0),0);
await fetch('/cell',{method:'POST',headers:{'content-type':'application/x-www-form-urlencoded'},body:new URLSearchParams({name:i.ariaLabel,value:v})})});`,
        },
      ),
    }),
    'POST /cell': ({ form }) => {
      const name = form.get('name') ?? '';
      const stored =
        fault === 'shifts_cell' ? name.replace(/\d/, (row) => String((Number(row) % 6) + 1)) : name;
      cells.set(stored, form.get('value') ?? '');
      return { json: {} };
    },
  });
  return Object.assign(site, { results, cells });
}
