// The TypeScript client (clients/typescript), bundled by `make bundle`; do not edit.
var h=class{#e=new Map;on(e,t){let s=this.#e.get(e)??new Set;this.#e.set(e,s);let n=i=>t(i);return s.add(n),()=>{s.delete(n)}}emit(e,t){let s=this.#e.get(e);if(s)
for(let n of[...s])s.has(n)&&_(()=>n(t))}clear(){for(let e of this.#e.values())e.clear()}},w=class{#e;#t=new Set;constructor(e){this.#e=e}get value(){return this.#e}subscribe=e=>{
let t=()=>e();return this.#t.add(t),()=>{this.#t.delete(t)}};set(e){if(!Object.is(this.#e,e)){this.#e=e;for(let t of[...this.#t])this.#t.has(t)&&_(t)}}},u=class extends w{set(e){
super.set(e)}};function _(o){try{o()}catch(e){queueMicrotask(()=>{throw e})}}var d=class o extends Error{constructor(t,s,n,i,r,c){super(s);this.code=t;this.outcome=n;this.field=i;this.retryAfterMs=r;this.body=c}code;outcome;field;retryAfterMs;body;name="\
HallwayError";static fromServer(t){let s=t.code==="unavailable"||t.code==="internal"?"unknown":"refused";return new o(t.code,`${t.code}: ${t.message}`,s,t.field,
t.retryAfterMs,t)}};function m(o){return o instanceof Error?o:new Error(String(o))}var E=class{constructor(e){this.name=e}name;status=new u({state:"listening"});emitter=new h;handles=0;joins=0;take(e){switch(e.type){case"broadcast":return this.
emitter.emit("broadcast",e.broadcast);case"joined":return this.status.set({state:"joined"});case"returned":return this.emitter.emit("returned",{missed:e.missed});case"\
resync":return this.emitter.emit("resync",e);case"refused":return this.status.set({state:"refused",error:d.fromServer(e.error)});case"removed":return this.status.
set({state:"removed",reason:e.reason});case"double":}}};function $(o){let e=globalThis;if(!e.addEventListener||!e.document)return()=>{};let{document:t}=e,s=()=>{t.visibilityState==="visible"&&o()};return e.addEventListener(
"online",o),t.addEventListener("visibilitychange",s),()=>{e.removeEventListener?.("online",o),t.removeEventListener("visibilitychange",s)}}var p={client:o=>`client-${o}`,user:o=>`user-${o}`,org:o=>`org-${o}`,board:o=>`board-${o}`,boardTasks:o=>`board-${o}-tasks`,boardSprints:o=>`board-${o}-sprints`,
chat:(o,e)=>o<e?`chat-${o}-${e}`:`chat-${e}-${o}`,group:o=>`group-${o}`,lobby:o=>`lobby-${o}`,pool:()=>"pool",presence:o=>`presence-${o}`,public:o=>`public-${o}`};var S=class{#e;constructor(e){this.#e=e}create(e={}){return this.#e.request("lobby.create",e)}join(e){return this.#e.request("lobby.join",{lobbyId:e})}async leave(){
await this.#e.request("lobby.leave",{})}async get(e){if(e!==void 0)return this.#e.request("lobby.get",{lobbyId:e});try{return await this.#e.request("lobby.get",
{})}catch(t){if(t instanceof d&&t.code==="not-found")return null;throw t}}list(e={}){return this.#e.request("lobby.list",e)}room(e){return this.#e.join(p.lobby(
e))}news(){return this.#e.join(p.pool())}};var F={subprotocol:"hallway.v1.json",encode:o=>JSON.stringify(o),decode(o){if(typeof o!="string")throw new TypeError("a binary frame where text was agreed");return K(
JSON.parse(o))}};function K(o){if(typeof o!="object"||o===null)throw new TypeError("not a frame");return o}function W(){let o=globalThis.WebSocket;if(typeof o=="function")return o;throw new TypeError("no WebSocket here (Node before 22): pass one, such as that of the \
package `ws`, as `WebSocket`")}function G(o){let e=typeof o.url=="string"?[o.url]:[...o.url];if(e.length===0)throw new TypeError("`url` names no address");return{urls:e,token:o.token,codec:o.
codec??F,WebSocket:o.WebSocket??W(),connectTimeoutMs:o.connectTimeoutMs??1e4,requestTimeoutMs:o.requestTimeoutMs??1e4,backoffFirstMs:o.backoffFirstMs??500,backoffMostMs:o.
backoffMostMs??15e3,ticketEveryMs:o.ticketEveryMs??3e5,maxRequests:o.maxRequests??1024,maxFrameBytes:o.maxFrameBytes??65536,maxOutbox:o.maxOutbox??200,random:o.
random??Math.random}}var y=class{constructor(e,t,s=Math.random){this.firstMs=e;this.mostMs=t;this.random=s}firstMs;mostMs;random;#e=0;next(){let e=Math.min(this.firstMs*2**Math.min(
this.#e,20),this.mostMs);return this.#e+=1,e*this.random()}lasted(e){e>=this.mostMs&&(this.#e=0)}reset(){this.#e=0}};var l=class{#e;set(e,t){this.clear();let s=Math.max(0,Math.min(e,2147483647));this.#e=setTimeout(()=>{this.#e=void 0,e>2147483647?this.set(e-2147483647,t):t()},
s)}clear(){clearTimeout(this.#e),this.#e=void 0}get isSet(){return this.#e!==void 0}};var J=5,C=class extends w{#e;#t;#s=new Map;#n=new Map;#o=new h;constructor(e,t){super([]),this.#e=e,this.#t=t,e.connection.subscribe(()=>{if(e.connection.value.
state==="connected")for(let s of this.#n.keys())this.#i(s)})}send(e){let t=e.clientMessageId??Q();if(this.#s.has(t))throw new d("conflict",`${t} is under way`,"\
not-sent");if(this.value.length>=this.#t)throw this.#e.stats.outboxRefused+=1,new d("queue-full",`${this.#t} messages wait to be sent`,"not-sent");let{room:s,content:n,
type:i="TEXT",replyToId:r}=e,c=new Promise((f,x)=>{this.#s.set(t,{resolve:f,reject:x,tries:0})});c.catch(()=>{});let a={clientMessageId:t,room:s,content:n,type:i,
replyToId:r,createdAt:Date.now(),error:void 0};return this.set([...this.value,{...a,state:"waiting"}]),this.#o.emit("taken",s),this.#i(s),{clientMessageId:t,stored:c}}retry(e){
let t=this.value.find(c=>c.clientMessageId===e&&c.state==="failed");if(!t)return;this.#l(e);let{room:s,content:n,type:i,replyToId:r}=t;return this.send({clientMessageId:e,
room:s,content:n,type:i,...r!==void 0&&{replyToId:r}})}discard(e){let t=this.#s.get(e);this.#l(e),t?.reject(new d("closed","the message was discarded","unknown"))}onTaken(e){
return this.#o.on("taken",e)}onStored(e){return this.#o.on("stored",e)}confirm(e){let t=e.clientMessageId,s=t===null?void 0:this.#s.get(t);!s||!this.value.some(
n=>n.clientMessageId===t&&n.room===e.room)||(this.#s.delete(t),this.#o.emit("stored",e),this.#l(t),s.resolve(e))}clear(){for(let{clientMessageId:e}of this.value)
this.discard(e);for(let e of this.#n.values())e.later.clear();this.#n.clear()}#d(e){let{backoffFirstMs:t,backoffMostMs:s,random:n}=this.#e.options,i=()=>({isSending:!1,
later:new l,backoff:new y(t,s,n)}),r=this.#n.get(e)??i();return this.#n.set(e,r),r}#i(e){let t=this.#d(e);if(t.isSending||t.later.isSet||this.#e.connection.value.
state!=="connected")return;let s=this.value.find(n=>n.room===e&&n.state==="waiting");if(!s)return void this.#n.delete(e);t.isSending=!0,this.#a(s.clientMessageId,
{state:"sending"}),this.#r(s).then(n=>{t.isSending=!1,n!==void 0?t.later.set(n,()=>this.#i(e)):t.backoff.reset(),this.#i(e)})}async#r({clientMessageId:e,room:t,
content:s,type:n,replyToId:i}){try{let r={room:t,content:s,type:n,clientMessageId:e,...i!==void 0&&{replyToId:i}};this.confirm({...await this.#e.request("messag\
es.send",r),clientMessageId:e});return}catch(r){let c=r instanceof d?r:new d("internal",String(r),"unknown"),a=this.#s.get(e);if(!a)return;if(this.#c(c,t,a))return this.#a(
e,{state:"waiting",error:c}),c.retryAfterMs??this.#d(t).backoff.next();this.#a(e,{state:"failed",error:c}),this.#s.delete(e),a.reject(c);return}}#c(e,t,s){return e.
code==="internal"||e.code==="not-in-room"&&this.#e.isJoined(t)?++s.tries<J:e.outcome==="unknown"||["rate-limited","disconnected","queue-full"].includes(e.code)}#a(e,t){
this.set(this.value.map(s=>s.clientMessageId===e?{...s,...t}:s))}#l(e){this.#s.delete(e),this.set(this.value.filter(t=>t.clientMessageId!==e))}};function Q(){let o=crypto.
getRandomValues(new Uint8Array(16));return Array.from(o,e=>e.toString(16).padStart(2,"0")).join("")}var X=2e3,M=class{#e;constructor(e){this.#e=e}async update(e){return(await this.#e.request("presence.update",{status:e})).status}async get(e){return(await this.#e.
request("presence.get",{userIds:e})).users}watch(e){let t=new u(void 0),s=new l,n=this.#e.join(p.presence(e)),i=0,r=!1,c=async()=>{if(r||this.#e.connection.value.
state!=="connected"||n.status.value.state==="joining")return;let a=i;r=!0;try{let[f]=await this.get([e]);a===i&&f&&t.set(f)}catch{n.status.value.state!=="left"&&
s.set(X,()=>{c()})}finally{r=!1}};return n.on("presence-updated",a=>{i+=1,a.userId===e&&t.set({...t.value,...a})}),n.status.subscribe(()=>{c()}),n.onReturned(()=>{
c()}),c(),{presence:t,stop(){n.leave(),s.clear()}}}};var Z=1e3,j=50,ee=5e3,te=20,T=class{#e;#t;#s;#n;#o=null;#d=!1;#i=!1;constructor(e,t){this.#e=e,this.#t=t,this.#s=new u({messages:[],pending:[],hasOlder:!1,state:"\
loading",error:void 0}),this.#n=[t.on("new-message",s=>this.#u([s])),t.on("message-edited",s=>this.#u([s])),t.on("message-deleted",s=>this.#u([s])),t.on("messag\
e-reaction",s=>this.#u([s])),t.onResync(s=>this.#c(s)),t.status.subscribe(()=>{this.#a()}),e.connection.subscribe(()=>{this.#a()}),e.outbox.onStored(s=>s.room===
t.name&&this.#u([s])),e.outbox.subscribe(()=>this.#h({}))],this.#h({}),this.#a()}get view(){return this.#s}send(e,t={}){return this.#e.outbox.send({room:this.#t.
name,content:e,...t})}retry(e){return this.#e.outbox.retry(e)}discard(e){this.#e.outbox.discard(e)}async edit(e,t){this.#u([await this.#e.request("messages.edit",
{room:this.#t.name,messageId:e,content:t})])}async delete(e){this.#u([await this.#e.request("messages.delete",{room:this.#t.name,messageId:e})])}async react(e,t,s=!0){
this.#u([await this.#e.request("messages.react",{room:this.#t.name,messageId:e,reaction:t,on:s})])}async read(e){await this.#e.request("messages.read",{room:this.#t.
name,messageId:e})}async loadOlder(e=j){let t=this.#s.value.messages[0];if(!t)return;let s=await this.#r({before:t.id,limit:e});this.#u(s.messages,!0),this.#h({
hasOlder:s.nextCursor!==null})}dispose(){this.#i=!0;for(let e of this.#n)e()}#r(e){return this.#e.request("messages.list",{room:this.#t.name,...e})}#c({since:e}){
let t=this.#o;this.#o=t===void 0?e:t===null||e===null?null:Math.min(t,e),this.#a()}async#a(){let e=this.#t.status.value.state!=="joining"&&this.#e.connection.value.
state==="connected";if(!(this.#d||this.#i||!e)){this.#d=!0;try{for(;this.#o!==void 0&&!this.#i;){let t=this.#o;this.#o=void 0;try{await(t===null?this.#l():this.#m(
t-ee))}catch(s){let n=this.#o;throw this.#o=n===null||t===null?null:t,s}}}catch(t){this.#h({state:"failed",error:m(t)})}finally{this.#d=!1}}}async#l(){let e=await this.#r(
{limit:j});this.#u(e.messages),this.#h({state:"ready",error:void 0,hasOlder:e.nextCursor!==null})}async#m(e){let t=await this.#r({since:e,limit:j});this.#u(t.messages);
for(let s=1;t.nextCursor!==null;s+=1){if(s===te)return this.#h({messages:[]}),this.#l();t=await this.#r({after:t.nextCursor,limit:j}),this.#u(t.messages)}this.#h(
{state:"ready",error:void 0})}#u(e,t=!1){let s=new Map(this.#s.value.messages.map(r=>[r.id,r]));for(let r of e)s.set(r.id,{...s.get(r.id),...r});let n=[...s.values()].
sort((r,c)=>r.id<c.id?-1:+(r.id>c.id)),i=t?n:n.slice(-Z);this.#h({messages:i,...i.length<n.length&&{hasOlder:!0}});for(let r of e)this.#e.outbox.confirm(r)}#h(e){
if(this.#i)return;let t={...this.#s.value,...e},s=new Set(t.messages.map(r=>r.clientMessageId)),n=this.#e.outbox.value.filter(r=>r.room===this.#t.name&&!s.has(r.
clientMessageId)),i=n.length===t.pending.length&&n.every((r,c)=>r===t.pending[c]);i&&Object.keys(e).length===0||this.#s.set({...t,pending:i?t.pending:n})}};var se=1e3,P=class{#e;#t;#s=new u({users:[],userCount:0,socketCount:0,isFresh:!1});#n=new l;#o;#d=0;#i=!1;#r=!1;constructor(e,t){this.#e=e,this.#t=t,this.#o=[t.
on("user-joined",({userId:s,status:n})=>this.#m(s,n??"ONLINE")),t.on("user-left",({userId:s})=>this.#h(s)),t.on("presence-updated",({userId:s,status:n})=>this.#u(
s,n)),t.on("members-updated",()=>this.#l()),t.status.subscribe(()=>this.#a()),t.onReturned(()=>this.#a()),t.onResync(()=>this.#a()),e.connection.subscribe(()=>this.#c())],
this.#a()}get view(){return this.#s}dispose(){this.#r=!0,this.#n.clear();for(let e of this.#o)e()}#c(){this.#s.value.isFresh&&this.#s.set({...this.#s.value,isFresh:!1}),
this.#a()}async#a(){if(this.#i||this.#r||this.#e.connection.value.state!=="connected")return;this.#i=!0;let e=this.#d;try{let{users:t,userCount:s,socketCount:n}=await this.#t.
info();this.#r||this.#s.set({users:t,userCount:s,socketCount:n,isFresh:!0}),e!==this.#d&&this.#l()}catch(t){(!(t instanceof d)||t.outcome==="unknown")&&this.#l()}finally{
this.#i=!1}}#l(){!this.#r&&!this.#n.isSet&&this.#n.set(se,()=>{this.#a()})}#m(e,t){let s=this.#s.value.users.filter(n=>n.userId!==e);this.#f([...s,{userId:e,status:t,
sockets:1}])}#u(e,t){this.#f(this.#s.value.users.map(s=>s.userId===e?{...s,status:t}:s))}#h(e){this.#f(this.#s.value.users.filter(t=>t.userId!==e))}#f(e){this.#d+=
1;let t=e.reduce((s,n)=>s+n.sockets,0);this.#s.set({...this.#s.value,users:e,userCount:e.length,socketCount:t})}};var ne=5e3,oe=5e3,ie=12e3,O=class{#e;#t;#s=new u([]);#n=new Map;#o=new l;#d;#i;constructor(e,t){this.#e=e,this.#t=t.name,this.#d=[t.on("typing-started",({userId:s})=>this.#c(
s)),t.on("typing-stopped",({userId:s})=>this.#a(s)),t.on("user-left",({userId:s})=>this.#a(s)),t.on("new-message",({fromUserId:s})=>this.#a(s)),e.connection.subscribe(
()=>this.#i=void 0),e.outbox.onTaken(s=>s===t.name&&this.#r())]}get users(){return this.#s}start(){this.#o.set(oe,()=>this.stop());let e=Date.now();this.#i!==void 0&&
e-this.#i<ne||this.#e.connection.value.state==="connected"&&(this.#i=e,this.#e.say("typing.start",{room:this.#t}))}stop(){this.#o.clear(),this.#i!==void 0&&(this.#i=
void 0,this.#e.say("typing.stop",{room:this.#t}))}dispose(){this.stop();for(let e of this.#d)e();for(let e of this.#n.values())e.clear();this.#n.clear(),this.#s.
set([])}#r(){this.#o.clear(),this.#i=void 0}#c(e){let{value:t}=this.#e.connection;if(t.state==="connected"&&t.userId===e)return;let s=this.#n.get(e)??new l;this.#n.
set(e,s),s.set(ie,()=>this.#a(e)),this.#s.value.includes(e)||this.#s.set([...this.#s.value,e])}#a(e){this.#n.get(e)?.clear(),this.#n.delete(e)&&this.#s.set(this.#s.
value.filter(t=>t!==e))}};var v=class{name;#e;#t;#s;#n=new Set;#o;#d=!1;#i;#r;#c;constructor(e,t,s){this.#e=e,this.#t=t,this.#s=s,this.name=t.name,this.#o=new u(t.status.value),this.#a(t.
status.subscribe(()=>this.#o.set(t.status.value)))}get status(){return this.#o}on(e,t){return this.onAny(s=>{s.destination===e&&t(s.data,s)})}onAny(e){return this.#a(
this.#t.emitter.on("broadcast",e))}onResync(e){return this.#a(this.#t.emitter.on("resync",e))}onReturned(e){return this.#a(this.#t.emitter.on("returned",e))}ready(){
return new Promise((e,t)=>{let s=()=>{},n=()=>{let i=this.#o.value;i.state==="joining"||i.state==="listening"||(s(),i.state==="joined"?e(this):i.state==="refuse\
d"?t(i.error):i.state==="removed"?t(new d("forbidden",i.reason,"refused")):t(new d("closed",`the handle on ${this.name} was left`,"not-sent")))};s=this.#o.subscribe(
n),n()})}broadcast(e,t,s={}){return this.#e.request("rooms.broadcast",{room:this.name,destination:e,data:t,...s})}info(){return this.#e.request("rooms.info",{room:this.
name})}state(){return this.#e.request("rooms.state",{room:this.name})}history(e={}){return this.#e.request("rooms.history",{room:this.name,...e})}get messages(){
return this.#i??=new T(this.#e,this),this.#d&&this.#i.dispose(),this.#i}get people(){return this.#r??=new P(this.#e,this),this.#d&&this.#r.dispose(),this.#r}get typing(){
return this.#c??=new O(this.#e,this),this.#d&&this.#c.dispose(),this.#c}leave(){if(!this.#d){this.#d=!0,this.#c?.dispose(),this.#r?.dispose(),this.#i?.dispose();
for(let e of this.#n)e();this.#n.clear(),this.#s(),this.#o.set({state:"left"})}}#a(e){if(this.#d)return e(),e;let t=()=>{this.#n.delete(t),e()};return this.#n.add(
t),t}};var R=class{#e;#t;#s=new Map;#n=new l;#o;#d=0;heardAt=Date.now();constructor(e,t){this.#e=e,this.#o=t,this.#t=new e.WebSocket(e.url,[e.codec.subprotocol]),this.#t.
binaryType="arraybuffer",this.#t.onopen=()=>e.first&&this.#r(e.first),this.#t.onmessage=({data:s})=>this.#c(s),this.#t.onclose=({code:s,reason:n})=>this.#l({code:s,
reason:n}),this.#t.onerror=()=>{},this.#n.set(e.connectTimeoutMs,()=>this.drop("no hello in time"))}request(e,t){return new Promise((s,n)=>{let i=new l,r=a=>{i.
clear(),a instanceof d?n(a):a.error?n(d.fromServer(a.error)):s(a.data)},c=this.#i(e,t,r);c!==void 0&&i.set(this.#e.requestTimeoutMs,()=>{this.#s.delete(c),r(new d(
"timeout",`no answer to ${e} in time`,"unknown"))})})}askInLine(e,t,s){this.#i(e,t,n=>{n instanceof d||s(n)})}say(e,t){this.#r({endpoint:e,args:t})}close(){this.#t.
close(1e3),this.#l({code:1e3,reason:""})}drop(e){this.#t.close(),this.#l({code:1006,reason:e})}#i(e,t,s){if(!this.#o)s(new d("disconnected","the connection has \
ended","not-sent"));else if(this.#s.size>=this.#e.maxRequests)s(new d("queue-full",`${this.#s.size} requests are under way`,"not-sent"));else{let n=++this.#d;this.#s.
set(n,s);try{return this.#r({id:n,endpoint:e,args:t}),n}catch(i){this.#s.delete(n),i instanceof d?s(i):s(new d("bad-args",`cannot be written: ${m(i).message}`,"\
not-sent"))}}}#r(e){let t=this.#e.codec.encode(e),s=this.#e.maxFrameBytes;if(re(t,s)>s)throw new d("too-large",`a frame of more than ${s} bytes`,"not-sent");this.#t.
send(t)}#c(e){this.heardAt=Date.now();let t;try{t=this.#e.codec.decode(e)}catch(s){return this.drop(`not the protocol: ${m(s).message}`)}t.broadcast?this.#o?.broadcast(
t.broadcast):t.reply?this.#a(t.reply):t.goodbye?this.#o?.goodbye(t.goodbye):t.hello&&this.#e.isAnswer(t.hello)&&(this.#n.clear(),this.#o?.hello(t.hello))}#a({id:e,
data:t,error:s}){let n=this.#s.get(e);this.#s.delete(e),n?.(s?{error:s}:{data:t})}#l(e){let t=this.#o;if(!t)return;this.#o=void 0,this.#n.clear(),this.#t.onopen=
this.#t.onmessage=this.#t.onclose=null;let s=new d("connection-lost",`the connection ended (${e.code}) before the answer`,"unknown");for(let n of this.#s.values())
n(s);this.#s.clear(),t.closed(e)}};function re(o,e){return typeof o!="string"?o.byteLength:o.length*3<=e?o.length:new TextEncoder().encode(o).byteLength}var ae=6e4,de=5e3,H=class{#e;#t;#s=new l;#n=new l;#o=new l;#d=new l;#i;#r;#c=0;#a=!1;#l=!1;constructor(e,t,s){this.#e=e,this.#t=t,this.#i=s.pingIntervalMs,this.#r=
s.serverTime-Date.now(),s.resumeTicket!==void 0&&this.#u(),s.expiresAt!==void 0&&this.#f(s.expiresAt),this.#m(this.#i)}probe(){this.#d.isSet||this.#l||(this.#d.
set(this.#e.options.requestTimeoutMs,()=>this.#t.drop("no answer to a ping")),this.#t.askInLine("ping",{},()=>this.#d.clear()))}expires(){this.#e.tokens.canRenew&&
this.#p()}end(){this.#l=!0;for(let e of[this.#s,this.#n,this.#o,this.#d])e.clear()}#m(e){this.#o.set(e,()=>{let t=this.#t.heardAt+this.#i-Date.now();t<=0&&this.
probe(),this.#m(t>0?t:this.#i)})}#u(){this.#s.set(this.#e.options.ticketEveryMs,()=>this.#h())}#h(){this.#s.clear(),this.#t.askInLine("ping",{ticket:!0},({data:e})=>{
let t=e?.resumeTicket;this.#e.ticket=t??this.#e.ticket,this.#u()})}#f(e){if(this.#c=e,!this.#e.tokens.canRenew)return;let t=e-this.#r-Date.now(),s=Math.min(ae,t/
5)*(1+this.#e.options.random()/2);this.#n.set(t-s,()=>{this.#p()})}async#p(){if(!(this.#a||this.#l)){this.#a=!0,this.#n.clear();try{let e=await this.#e.tokens.get(
"refresh");if(this.#l)return;let{expiresAt:t,resumeTicket:s}=await this.#t.request("auth.refresh",{token:e});if(this.#l)return;this.#e.ticket=s??this.#e.ticket,
t!==null&&this.#f(t)}catch(e){let t=e instanceof d&&e.code==="unknown-endpoint",s=Date.now()+this.#r>=this.#c;!t&&!s&&!this.#l&&this.#n.set(de,()=>{this.#p()})}finally{
this.#a=!1}}}};var ce=500,A=class{since=Date.now();leaveUntil;#e;#t;#s=new Set;#n=new l;#o=new Set;#d=new l;#i=new Set;#r;constructor(e,t,s){this.#e=e,this.#t=t,this.#r=new H(
e,t,s)}begin(e){let{ledger:t}=this.#e,s=e.positions??{},n=new Set;for(let[i,r]of Object.entries(e.resumed??{}))D(r)&&i in s||(this.#c(i,D(r)?{error:r.error}:{data:r}),
n.add(i));for(let[i,r]of Object.entries(s))n.has(i)||this.#m(t.standInOwn(i,r));for(let i of t.unsettled(n))this.#s.has(i)||this.join(i)}hear(e){e.destination===
"auth-expiring"&&this.#r.expires();let t=this.#e.ledger.hear(e);t&&this.#e.tell(t)}goodbye({reconnectAfterMs:e}){this.leaveUntil=Date.now()+e}join(e){let{ledger:t,
options:s}=this.#e;if(!t.isWanted(e))return;let n=t.place(e),i=Object.fromEntries(t.placesIncluded(e));this.#s.size===0&&this.#n.set(s.requestTimeoutMs,()=>this.#t.
drop("no answer to a join")),this.#s.add(e),this.#t.askInLine("rooms.join",{room:e,includes:i,...n&&{resume:n}},r=>{this.#s.delete(e),this.#s.size>0?this.#n.set(
s.requestTimeoutMs,()=>this.#t.drop("no answer to a join")):this.#n.clear(),this.#c(e,r)})}leave(e){this.#t.say("rooms.leave",{room:e})}probe(){this.#r.probe()}end(){
this.#n.clear(),this.#d.clear(),this.#r.end()}#c(e,t){let{ledger:s}=this.#e;if(!t.error)return this.#m(s.enter(e,t.data??{}));let n=s.askedAs(e);if(n!==void 0&&
this.#a(e,t.error))return this.#l(n,t.error.retryAfterMs);if(s.forget(e))return this.#e.tell({type:"refused",room:e,error:t.error});let i=s.lose(e);i&&this.#e.tell(
i)}#a(e,{code:t}){return t==="conflict"&&!this.#i.has(e)?!!this.#i.add(e):t==="unavailable"||t==="rate-limited"||t==="internal"}#l(e,t=ce){this.#o.add(e),!this.#d.
isSet&&this.#d.set(Math.min(t,this.#e.options.backoffMostMs),()=>{let s=[...this.#o];this.#o.clear();for(let n of s)this.join(n)})}#m(e){for(let t of e)this.#e.
tell(t)}};function D(o){return"error"in o}var g={Normal:{code:1e3,reconnects:!1},GoingAway:{code:1001,reconnects:!0},Protocol:{code:1002,reconnects:!1},InvalidPayload:{code:1007,reconnects:!1},TooBig:{code:1009,
reconnects:!1},Draining:{code:1012,reconnects:!0},OverCapacity:{code:1013,reconnects:!0},BadFrame:{code:4400,reconnects:!1},Unauthenticated:{code:4401,reconnects:!1},
Forbidden:{code:4403,reconnects:!1},AuthTimeout:{code:4408,reconnects:!1},Revoked:{code:4410,reconnects:!1},RateLimited:{code:4429,reconnects:!1},SlowConsumer:{
code:4500,reconnects:!0},NoPong:{code:4501,reconnects:!0}};function V(o){return o===1001||o===1006||o>=1012&&o<=1013||o>=4500&&o<=4599}var pt=["bad-frame","bad-\
args","unknown-endpoint","unauthenticated","forbidden","not-found","not-in-room","conflict","too-large","rate-limited","unavailable","internal"],yt=["update-use\
r","create-organization","update-organization","delete-organization","create-board","update-board","delete-board","create-task","update-task","delete-task","cre\
ate-sprint","update-sprint","delete-sprint","new-message","message-edited","message-deleted","message-reaction","message-read","chat-activity","presence-updated",
"typing-started","typing-stopped","user-joined","user-left","members-updated","lobby-created","lobby-updated","lobby-deleted","connection-count","auth-expiring",
"room.left","room.resync"],gt=["ping","auth.connect","auth.resume","auth.refresh","client.update","rooms.join","rooms.leave","rooms.state","rooms.info","rooms.b\
roadcast","rooms.history","messages.send","messages.list","messages.edit","messages.delete","messages.react","messages.read","members.list","members.kick","memb\
ers.mute","members.unmute","members.ban","members.unban","members.setRole","typing.start","typing.stop","lobby.create","lobby.join","lobby.leave","lobby.get","l\
obby.list","stats.get","presence.update","presence.get"],bt=["board","chat","client","group","lobby","org","pool","presence","public","user"],wt="room.",vt={JSON_DEPTH:64,
DESTINATION_LEN:200,REQUEST_ID:9007199254740991,DEVICE_LEN:200,BROADCAST_ROOMS:100,IDEMPOTENCY_KEY_LEN:200,HISTORY_PAGE:1e3};var N=class{#e="";#t=new Set;add(e){e.epoch!==this.#e&&(this.#t.clear(),this.#e=e.epoch),this.#t.add(e.seq);let[t]=this.#t;this.#t.size>1024&&t!==void 0&&this.#t.
delete(t)}has(e){return e.epoch===this.#e&&this.#t.has(e.seq)}reach(e){if(e.epoch!==this.#e)return e;let t=e.seq;for(;this.#t.has(t+1);)t+=1;return t===e.seq?e:
{epoch:e.epoch,seq:t}}passed(e){if(e?.epoch!==this.#e)return this.#t.clear();for(let t of this.#t)t<=e.seq&&this.#t.delete(t)}get isLong(){return this.#t.size>=
1024/2}};var le="room.resync",ue="room.left",k=class{constructor(e){this.why=e}why;isEntered=!1;heard=null;empty=null;isNumbered=!1;since=null;own=new N;place(){let e=this.
heard??this.empty;return e&&this.own.reach(e)}stand(e,t){this.heard=e,this.empty=e?null:t,this.isNumbered||=this.place()!==null,this.own.passed(e??t)}},q=class{#e=new Map;want(e){
return this.isWanted(e)?!1:(this.#e.set(e,new k({as:"wanted"})),!0)}forget(e){if(!this.isWanted(e))return!1;this.#e.delete(e);for(let[t,{why:s}]of this.#e)s.as===
"included"&&s.home===e&&this.#e.delete(t);return!0}isWanted(e){return this.#e.get(e)?.why.as==="wanted"}isEntered(e){return this.#e.get(e)?.isEntered??!1}askedAs(e){
let t=this.#e.get(e)?.why;return t?.as==="included"?t.home:t?.as==="wanted"?e:void 0}unsettled(e){let t=[...this.#e.keys()].filter(s=>!e.has(s));return new Set(
t.map(s=>this.askedAs(s)).filter(s=>s!==void 0&&!e.has(s)))}place(e){return this.#e.get(e)?.place()??null}places(){let e=new Map;for(let[t,s]of this.#e){if(!s.isEntered)
continue;let n=s.why.as==="included"?s.why.home:t,i=e.get(n)??new Map;e.set(n,i.set(t,s.place()))}return[...e.values()]}placesIncluded(e){let t=new Map;for(let[
s,n]of this.#e){let i=n.why.as==="included"&&n.why.home===e?n.place():null;i&&t.set(s,i)}return t}noteOwn(e,t){let s=this.#e.get(e);!s||s.heard?.epoch===t.epoch&&
t.seq<=s.heard.seq||(s.own.add(t),s.own.isLong&&s.heard&&s.stand(s.own.reach(s.heard),null))}hear(e){let t=he(e),s=this.#e.get(e.room);if(e.destination===le)return this.#t(
s,e,t);if(e.destination===ue)return this.forget(e.room),{type:"removed",room:e.room,reason:e.data?.reason??""};if(!s||!t)return{type:"broadcast",broadcast:e};if(s.
heard?.epoch===t.epoch&&t.seq<=s.heard.seq)return{type:"double",broadcast:e};s.since=e.ts??s.since;let n=s.own.has(t);return s.stand(t,null),n?void 0:{type:"bro\
adcast",broadcast:e}}enter(e,t){let s=this.#e.get(e);if(!s)return[];let n=this.#s(e,s,t);for(let[i,r]of Object.entries(t.includes??{})){let c=this.#e.get(i)??new k(
{as:"included",home:e});this.#e.set(i,c),n.push(...this.#s(i,c,r))}return n}standInOwn(e,t){let s=this.#e.get(e)??new k({as:"own"});this.#e.set(e,s);let n=t.seq>
0?{...t,lastBroadcastTimestamp:s.since??0}:null;return this.#s(e,s,n?{state:n}:{state:n,position:t})}lose(e){let t=this.#e.get(e);if(!(!t||t.why.as==="wanted"))
return t.stand(null,null),{type:"resync",room:e,cause:"not-recovered",at:null,since:t.since}}#t(e,{room:t,data:s},n){let i=e?.since??null,r=s;return e?.stand(n,
r?.position??null),e&&(e.since=r?.lastBroadcastTimestamp??i),{type:"resync",room:t,cause:"told",at:n,since:i}}#s(e,t,s){let{state:n=null,position:i=null,recovered:r=!1,
missed:c=[]}=s,a=n&&{epoch:n.epoch,seq:n.seq},f=t.since;if(n?.lastBroadcastTimestamp&&(t.since=n.lastBroadcastTimestamp),!t.isEntered)return t.isEntered=!0,t.stand(
a,i),[{type:"joined",room:e,at:a}];if(r){a||t.stand(null,i);let I=c.map(b=>this.hear(b)).filter(b=>b!==void 0),Y=I.filter(({type:b})=>b==="broadcast").length;return[
...I,{type:"returned",room:e,missed:Y}]}let x=t.heard&&t.own.reach(t.heard),z=x?.epoch===a?.epoch&&x?.seq===a?.seq&&(a!==null||!t.isNumbered);return t.stand(a,i),
z?[{type:"returned",room:e,missed:0}]:[{type:"resync",room:e,cause:"not-recovered",at:a,since:f}]}};function he({epoch:o,seq:e}){return o!==void 0&&e!==void 0?{
epoch:o,seq:e}:null}var B=class{last=null;#e;#t;constructor(e,t){this.#e=e,this.#t=t}get canRenew(){return typeof this.#e=="function"}async get(e){let t=this.#e,s=typeof t=="functi\
on"?await this.#s(async()=>t({reason:e})):t;return this.last=s??null,this.last}#s(e){return new Promise((t,s)=>{let n=new l,i=()=>s(new d("timeout","no token in\
 time","not-sent"));n.set(this.#t,i),e().then(t,s).finally(()=>n.clear())})}};var me=3e5,fe=24e3,L=class{constructor(e,t){this.options=e;this.tell=t;this.tokens=new B(e.token,e.connectTimeoutMs),this.#t=new y(e.backoffFirstMs,e.backoffMostMs,
e.random)}options;tell;ledger=new q;tokens;ticket;#e=new u({state:"idle"});#t;#s=new l;#n;#o=0;#d=0;#i;#r=!1;get status(){return this.#e}start(){let{state:e}=this.#e.
value;(e==="idle"||e==="closed")&&this.#c()}join(e){this.ledger.want(e)&&this.#n?.conversation?.join(e)}leave(e){this.ledger.forget(e)&&this.#n?.conversation?.leave(
e)}request(e,t){return this.#n?.conversation&&this.#n.connection?this.#n.connection.request(e,t):Promise.reject(new d("disconnected","there is no connection at \
the moment","not-sent"))}say(e,t){this.#n?.conversation&&this.#n.connection?.say(e,t)}nudge(){this.#n?.conversation?.probe(),!(!this.#s.isSet||!this.#r)&&(this.#t.
reset(),this.#s.set(this.#t.next(),()=>{this.#c()}))}drop(){this.#n?.connection?.drop("dropped")}close(){let e=this.#n;this.#h({code:g.Normal.code,reason:""}),e?.
connection?.close()}async#c(){let e={withTicket:this.ticket!==void 0};this.#n=e,this.#o+=1,this.#e.set({state:"connecting",attempt:this.#o});let t=null;try{e.withTicket||
(t=await this.tokens.get("connect"))}catch(s){this.#n===e&&this.#u({code:1006,reason:`no token: ${m(s).message}`});return}if(this.#n===e){if(!e.withTicket&&t===
this.#i)return this.#h({code:g.Unauthenticated.code,reason:"the token is still the one that was refused"});try{e.connection=this.#a(e,t)}catch(s){this.#h({code:g.
BadFrame.code,reason:m(s).message})}}}#a(e,t){let{urls:s}=this.options,n={endpoint:"auth.resume",args:{ticket:this.ticket,rooms:ye(this.ledger.places())}},i=t===
null?void 0:{endpoint:"auth.connect",args:{token:t}},r=a=>e.withTicket?"resumed"in a:t===null||"userId"in a,c=s[this.#d%s.length];return new R({...this.options,
url:c,first:e.withTicket?n:i,isAnswer:r},{hello:a=>this.#l(e,a),broadcast:a=>e.conversation?.hear(a),goodbye:a=>e.conversation?.goodbye(a),closed:a=>this.#m(e,a)})}#l(e,t){
if(!e.connection||e.conversation)return;this.#o=0,this.#i=void 0,this.ticket=t.resumeTicket,e.conversation=new A(this,e.connection,t);let{node:s,clientId:n,userId:i}=t;
this.#e.set({state:"connected",node:s,clientId:n,userId:i,resumed:e.withTicket}),this.#n===e&&e.conversation.begin(t)}#m(e,t){if(e.conversation?.end(),this.#n!==
e)return;let{conversation:s}=e,n=t.code>=4400&&t.code<=4499;if(s)this.#t.lasted(Date.now()-s.since);else if(e.withTicket&&n&&t.code!==g.Revoked.code)return this.
ticket=void 0,void this.#c();if(this.#d+=1,pe(t.code)){let i=s?.leaveUntil;this.#u(t,i===void 0?void 0:Math.max(0,i-Date.now()))}else t.code===g.Unauthenticated.
code&&this.tokens.canRenew&&this.#i===void 0?(this.ticket=void 0,this.#i=this.tokens.last,this.#u(t)):this.#h(t)}#u({code:e,reason:t},s){this.#n=void 0,this.#r=
s===void 0;let n=Math.min(s??this.#t.next(),me);this.#s.set(n,()=>{this.#c()}),this.#e.set({state:"waiting",attempt:this.#o,code:e,reason:t,retryAt:Date.now()+n})}#h({
code:e,reason:t}){this.#n?.conversation?.end(),this.#n=void 0,this.#s.clear(),this.#o=0,this.#i=void 0,this.ticket=void 0,this.#e.set({state:"closed",code:e,reason:t})}};
function pe(o){return V(o)||o===1005||o===1011||o===1014}function ye(o){let e=0,t={};for(let s of o){for(let[n,i]of s)e+=n.length+(i?.epoch.length??0)+48;if(e>fe)
break;Object.assign(t,Object.fromEntries(s))}return t}var U=class{options;stats={broadcasts:0,doubles:0,resyncs:0,connections:0,resumed:0,outboxRefused:0};outbox;presence;lobbies;#e;#t=new Map;#s=new h;#n;constructor(e){
this.options=G(e),this.#e=new L(this.options,t=>this.#c(t)),this.#e.status.subscribe(()=>this.#a(this.#e.status.value)),this.outbox=new C(this,this.options.maxOutbox),
this.presence=new M(this),this.lobbies=new S(this),e.autoConnect!==!1&&this.connect()}get connection(){return this.#e.status}connect(){this.#n??=$(()=>this.#e.nudge()),
this.#e.start()}close(){this.#n?.(),this.#n=void 0,this.#e.close()}dropConnection(){this.#e.drop()}join(e){let t=this.#o(e);t.joins+=1;let{state:s}=t.status.value;
return(s==="listening"||s==="refused"||s==="removed")&&t.status.set({state:"joining"}),this.#e.join(e),new v(this,t,()=>{t.joins-=1,t.joins===0&&this.#d(e),this.#i(
t)})}listen(e){let t=this.#o(e);return new v(this,t,()=>this.#i(t))}onHappening(e){return this.#s.on("happening",e)}onBroadcast(e){return this.onHappening(t=>t.
type==="broadcast"&&e(t.broadcast))}async request(e,t){let s=await this.#e.request(e,t);return e==="rooms.broadcast"&&this.#r(t,s),e==="messages.send"&&this.#r(
t,s),s}say(e,t){this.#e.say(e,t)}async update(e){await this.request("client.update",e)}isJoined(e){return this.#e.ledger.isWanted(e)&&this.#e.ledger.isEntered(e)}#o(e){
let t=this.#t.get(e)??new E(e);return this.#t.set(e,t),t.handles+=1,this.#e.ledger.isEntered(e)&&t.status.set({state:"joined"}),t}#d(e){this.#e.leave(e);for(let t of this.#t.
values())(t.status.value.state==="joined"&&!this.#e.ledger.isEntered(t.name)||t.name===e)&&t.status.set({state:"listening"})}#i(e){e.handles-=1,e.handles===0&&this.#t.
delete(e.name)}#r({room:e,includeSelf:t},{epoch:s,seq:n}){!t&&s!==void 0&&n!==void 0&&this.#e.ledger.noteOwn(e,{epoch:s,seq:n})}#c(e){e.type==="broadcast"&&(this.
stats.broadcasts+=1),e.type==="double"&&(this.stats.doubles+=1),e.type==="resync"&&(this.stats.resyncs+=1);let t=e.type==="broadcast"||e.type==="double"?e.broadcast.
room:e.room;this.#t.get(t)?.take(e),this.#s.emit("happening",e)}#a(e){e.state==="connected"&&(this.stats.connections+=1,e.resumed&&(this.stats.resumed+=1))}};function ge(o){
return new U(o)}export{U as HallwayClient,d as HallwayError,g as closeCodes,ge as createClient,gt as endpoints,pt as errorCodes,yt as events,F as json,bt as kinds,vt as limits,
V as reconnects,wt as reservedPrefix,p as roomName};
