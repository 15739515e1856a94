// Records what real clients put on the wire for filters whose meaning is known, into ../vectors.json.
// Every request is really sent, to a server in this process; only what that server received is written down.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { promisify } from 'node:util'
import axios from 'axios'
import axios027 from 'axios-0.27'
import jqueryFactory from 'jquery'
import { JSDOM } from 'jsdom'
import qs from 'qs'

let received
const server = createServer(async (req, res) => {
  const body = []
  for await (const chunk of req) body.push(chunk)
  // Multipart boundaries are random: a fixed one keeps the recording the same from run to run.
  const type = req.headers['content-type'] ?? ''
  const boundary = /boundary=([^;]+)/.exec(type)?.[1]
  const fixed = text => boundary ? text.replaceAll(boundary, 'recorded-boundary') : text
  received = {
    method: req.method,
    query: req.url.slice(1).replace(/^\?/, ''),
    contentType: fixed(type),
    body: fixed(Buffer.concat(body).toString()),
  }
  res.end('{}')
}).listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `http://127.0.0.1:${server.address().port}/`

const jquery = jqueryFactory(new JSDOM('', { url }).window)
const run = promisify(execFile)

// What an old page holds (request), and what it means as the document's literal parameters (meaning).
const unset = { customer: '', member: '', add_way_type: '', tags_data: '', employee_member: '', 类型: '', status: '', time: [], remark: '' }
const cases = {
  'nothing set': { request: { page: 1, search: unset }, meaning: {} },
  'nothing set, as null': { request: { page: 1, search: { customer: null, status: null, time: null, tags_data: null } }, meaning: {} },
  'empty search': { request: { page: 3, search: [] }, meaning: { page: ['3'] } },
  'everything set': {
    request: {
      page: 2, per_page: 20, crop_id: 1,
      search: {
        customer: '李一天', member: '3061', add_way_type: 202, tags_data: 'etDesSDgAACFJtKmZ8DmxP3DjZmceyLw', employee_member: 'XiaoLiangZi',
        类型: 2, type: 2, status: -1, time: [1631950639, 1632277573], remark: 'Abe',
      },
    },
    meaning: {
      page: ['2'], per_page: ['20'], crop_id: ['1'], 'search[customer]': ['李一天'], 'search[member]': ['3061'], 'search[add_way_type]': ['202'],
      'search[tags_data]': ['etDesSDgAACFJtKmZ8DmxP3DjZmceyLw'], 'search[employee_member]': ['XiaoLiangZi'], 'search[类型]': ['2'], 'search[type]': ['2'],
      'search[status]': ['-1'], 'search[time][]': ['1631950639', '1632277573'], 'search[remark]': ['Abe'],
    },
  },
  'zero is a value': { request: { page: 0, search: { ...unset, add_way_type: 0, member: 0 } }, meaning: { 'search[add_way_type]': ['0'], 'search[member]': ['0'] } },
  'milliseconds': { request: { search: { time: [1631950639999, '1632277573001'] } }, meaning: { 'search[time][]': ['1631950639', '1632277573'] } },
  'open start': { request: { search: { time: ['', 1632277573] } }, meaning: { 'search[time][]': ['', '1632277573'] } },
  'open start, as null': { request: { search: { time: [null, 1632277573] } }, meaning: { 'search[time][]': ['', '1632277573'] } },
  'open end': { request: { search: { time: [1631950639, ''] } }, meaning: { 'search[time][]': ['1631950639', ''] } },
  'no time': { request: { search: { status: 1, time: ['', ''] } }, meaning: { 'search[status]': ['1'] } },
  'tag ids': { request: { search: { tags_data: ['etA_-1', 'etB'] } }, meaning: { 'search[tags_data]': ['etA_-1,etB'] } },
  'literal keys': {
    request: { page: 2, 'search[status]': 1, 'search[time][]': [1631950639, 1632277573], 'search[tags_data]': ['etA', 'etB'] },
    meaning: { page: ['2'], 'search[status]': ['1'], 'search[time][]': ['1631950639', '1632277573'], 'search[tags_data]': ['etA,etB'] },
  },
  'no tag ids': { request: { search: { status: '1', tags_data: [] } }, meaning: { 'search[status]': ['1'] } },
  'marks and signs': {
    request: { search: { customer: '100% a+b&c=d;e #?/\\"\'[]😀', remark: '%zz %41 é' } },
    meaning: { 'search[customer]': ['100% a+b&c=d;e #?/\\"\'[]😀'], 'search[remark]': ['%zz %41 é'] },
  },
}

// The pairs of a page that writes its keys by hand.
const flat = ({ search = {}, ...rest }) => {
  const pairs = []
  const add = (key, value) => {
    if (!Array.isArray(value)) pairs.push([key, value ?? ''])
    else for (const item of value) pairs.push([key.endsWith('[]') ? key : key + '[]', item ?? ''])
  }
  for (const [key, value] of Object.entries(rest)) add(key, value)
  for (const [key, value] of Object.entries(search)) add(`search[${key}]`, value)
  return pairs
}
const formData = request => {
  const form = new FormData()
  for (const [key, value] of flat(request)) form.append(key, value)
  return form
}
const urlencoded = { headers: { 'content-type': 'application/x-www-form-urlencoded' } }
const stringify = (request, options) => axios.post(url, qs.stringify(request, options), urlencoded)
const ajax = options => new Promise((resolve, reject) => jquery.ajax({ url, ...options }).then(resolve, (_, status, error) => reject(error || status)))
const php = (code, request) => run('php', ['-r', `$r = json_decode($argv[1], true); $url = $argv[2]; ${code}`, '--', JSON.stringify(request), url])
const phpPost = (type, content) =>
  `file_get_contents($url, false, stream_context_create(['http' => ['method' => 'POST', 'header' => 'Content-Type: ${type}', 'content' => ${content}]]));`

const clients = {
  'axios 1 get': r => axios.get(url, { params: r }),
  'axios 1 get, indexes: true': r => axios.get(url, { params: r, paramsSerializer: { indexes: true } }),
  'axios 1 get, indexes: null': r => axios.get(url, { params: r, paramsSerializer: { indexes: null } }),
  'axios 1 get, qs': r => axios.get(url, { params: r, paramsSerializer: { serialize: p => qs.stringify(p) } }),
  'axios 1 get, flat keys': r => axios.get(url, { params: new URLSearchParams(flat(r)) }),
  'axios 1 post json': r => axios.post(url, r),
  'axios 1 post form': r => axios.post(url, r, urlencoded),
  'axios 1 postForm': r => axios.postForm(url, r),
  'axios 1 post, filters in the query': r => axios.post(url, null, { params: r }),
  'axios 0.27 get': r => axios027.get(url, { params: r }),
  'axios 0.27 post json': r => axios027.post(url, r),
  'axios 0.27 postForm': r => axios027.postForm(url, r),
  'axios 0.27 post, qs': r => axios027.post(url, qs.stringify(r)),
  'axios 0.27 post, filters in the query': r => axios027.post(url, {}, { params: r }),
  'qs': r => stringify(r),
  'qs brackets': r => stringify(r, { arrayFormat: 'brackets' }),
  'qs repeat': r => stringify(r, { arrayFormat: 'repeat' }),
  'qs comma': r => stringify(r, { arrayFormat: 'comma' }),
  'qs skipNulls': r => stringify(r, { skipNulls: true }),
  'qs encodeValuesOnly': r => stringify(r, { encodeValuesOnly: true }),
  'qs RFC 1738': r => stringify(r, { format: 'RFC1738' }),
  'jquery get': r => ajax({ data: r }),
  'jquery post': r => ajax({ type: 'POST', data: r }),
  'jquery post json': r => ajax({ type: 'POST', contentType: 'application/json; charset=UTF-8', data: JSON.stringify(r) }),
  'jquery get, no cache': r => ajax({ data: { ...r, i: 2, c: 'site', type: 7 }, cache: false }),
  'fetch, FormData': r => fetch(url, { method: 'POST', body: formData(r) }),
  'fetch, URLSearchParams': r => fetch(url, { method: 'POST', body: new URLSearchParams(flat(r)) }),
  'php get': r => php('file_get_contents($url."?".http_build_query($r));', r),
  'php get, RFC 3986': r => php('file_get_contents($url."?".http_build_query($r, "", "&", PHP_QUERY_RFC3986));', r),
  'php post': r => php(phpPost('application/x-www-form-urlencoded', 'http_build_query($r)'), r),
  'php post json': r => php(phpPost('application/json', 'json_encode($r)'), r),
}

const vectors = []
for (const [name, { request, meaning }] of Object.entries(cases))
  for (const [client, send] of Object.entries(clients)) {
    received = undefined
    await send(request)
    // _ is jQuery's clock.
    received.query = received.query.replace(/\b_=\d+/, '_=1700000000000')
    vectors.push({ name: `${client}: ${name}`, ...received, meaning })
  }
server.close()
writeFileSync(new URL('../vectors.json', import.meta.url), '[\n' + vectors.map(v => JSON.stringify(v)).join(',\n') + '\n]\n')
console.log(`${vectors.length} requests recorded`)
