package getlist

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"example.com/wechatcustomers/gen/api"
	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/cache"
	"example.com/wechatcustomers/internal/gzipped"
)

// piece is a piece of an answer's bytes, plain and, once somebody has asked for that, compressed.
type piece struct {
	text []byte
	once sync.Once
	part gzipped.Part
}

// compressed compresses the piece the first time it is called for.
func (p *piece) compressed() gzipped.Part {
	p.once.Do(func() { p.part = gzipped.NewPart(gzipped.Fast, p.text) })
	return p.part
}

// head is a page's own bytes, all before its lists, which its request and the enterprise's version
// name.
type head struct {
	piece
	rows   int // of customers' data in it
	summed sync.Once
	sum    gzipped.Sum // of the whole answer
}

// What stands between the pieces of a page.
var (
	noList   = &piece{text: []byte("[]")}
	between  = &piece{text: []byte(`,"employee":`)}
	closing  = &piece{text: []byte("}}")}
	headEnds = []byte(`[],"employee":[]}}`) // what an encoded page ends with in place of its lists
)

// sent is the 200 or 304 of an operation whose answers are kept.
type sent struct {
	etag  string // "" for none
	gzip  bool
	head  *head    // nil: the caller has the answer
	after []*piece // what follows the head
}

// body returns the answer's bytes in pieces.
func (a sent) body() [][]byte {
	pieces := append([]*piece{&a.head.piece}, a.after...)
	if !a.gzip {
		all := make([][]byte, len(pieces))
		for i, p := range pieces {
			all[i] = p.text
		}
		return all
	}
	parts := make([]gzipped.Part, len(pieces))
	for i, p := range pieces {
		parts[i] = p.compressed()
	}
	a.head.summed.Do(func() { a.head.sum = gzipped.SumOf(parts...) })
	return gzipped.Join(a.head.sum, parts...)
}

// VisitGetListResponse sends the answer.
func (a sent) VisitGetListResponse(w http.ResponseWriter) error { return a.send(w) }

// VisitGetFacetsResponse sends the answer.
func (a sent) VisitGetFacetsResponse(w http.ResponseWriter) error { return a.send(w) }

func (a sent) send(w http.ResponseWriter) error {
	h := w.Header()
	if a.etag != "" {
		h.Set("ETag", a.etag)
	}
	h.Add("Vary", "Accept-Encoding, Authorization, Cookie")
	if a.head == nil {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "application/json")
	if a.gzip {
		h.Set("Content-Encoding", "gzip")
	}
	body, length := a.body(), 0
	for _, part := range body {
		length += len(part)
	}
	h.Set("Content-Length", strconv.Itoa(length))
	w.WriteHeader(http.StatusOK)
	for _, part := range body {
		if _, err := w.Write(part); err != nil {
			return err //nolint:wrapcheck // the connection's own
		}
	}
	return nil
}

// keyOf names the answer to r, and the versions of the enterprise that it holds under.
func keyOf(kind string, v gendb.GetAccessRow, r Request) (cache.Key, cache.Versions) {
	return cache.Key{CropID: v.ID, Kind: kind, Asked: r.Address + "?" + r.Literal},
		cache.Versions{Rows: uint64(v.RowsVersion), Dict: uint64(v.DictVersion)}
}

// etag names the bytes that are sent: everything that they depend on is in it. It is "" where the
// caller cannot ask for them again by it.
func (s *Server) etag(key cache.Key, v cache.Versions, r Request) string {
	if !r.Revalidates {
		return ""
	}
	sum := sha256.Sum256(
		fmt.Appendf(nil, "%s\n%d\n%d\n%d\n%t\n%s", s.Build, key.CropID, v.Rows, v.Dict, r.Gzip, key.Asked),
	)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
}

// known returns the answer that needs no more reading: the caller has it, or it is kept, and so is
// what follows its head. It is nil where there is none.
func (s *Server) known(kind string, v gendb.GetAccessRow, r Request, after func() ([]*piece, bool)) *sent {
	key, now := keyOf(kind, v, r)
	a := &sent{etag: s.etag(key, now, r), gzip: r.Gzip}
	for tag := range strings.SplitSeq(r.IfNoneMatch, ",") {
		if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag != "" && (tag == a.etag || tag == "*") {
			r.serve(v.ID, 0, true)
			return a
		}
	}
	var found bool
	if a.head, found = cache.Get[*head](s.Memory, key, now); !found {
		return nil
	}
	if a.after, found = after(); !found {
		return nil
	}
	r.serve(v.ID, a.head.rows, true)
	return a
}

// errLists means that the encoded page does not end as the splicing of its lists relies on.
var errLists = errors.New("encode: the page does not end with its empty lists")

// keepPage encodes what was read, keeps it and returns it as the answer. Only the page's own bytes
// are kept under its name: the lists are kept once, for all pages.
func (s *Server) keepPage(uniacid int64, asked wanted, read answer, r Request) (*sent, error) {
	plain, err := json.Marshal(api.ListResult{Result: api.ResultOK, Msg: "ok", Data: toPage(uniacid, asked, read, r)})
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	text, ok := bytes.CutSuffix(plain, headEnds)
	if !ok {
		return nil, errLists
	}
	a := s.keep("page", read.versions, text, len(read.rows), r)
	a.after = asked.after(read.lists)
	return a, nil
}

// keepFacets encodes what was counted, keeps it and returns it as the answer.
func (s *Server) keepFacets(read counted, r Request) (*sent, error) {
	text, err := json.Marshal(api.FacetsResult{Result: api.FacetsOK, Msg: "ok", Data: read.facets})
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return s.keep("facets", read.versions, text, 0, r), nil
}

// keep keeps an answer's own bytes and returns them as the answer.
func (s *Server) keep(kind string, v gendb.GetAccessRow, text []byte, rows int, r Request) *sent {
	own := &head{piece: piece{text: text}, rows: rows}
	r.serve(v.ID, rows, false)
	key, now := keyOf(kind, v, r)
	s.Memory.Put(key, now, own, withCompressed(&own.piece))
	return &sent{etag: s.etag(key, now, r), gzip: r.Gzip, head: own}
}

// after returns what follows a page's head: the lists stand where the page had empty ones.
func (w *wanted) after(l *lists) []*piece {
	tags, employees := noList, noList
	if !w.omitTags {
		tags = l.tags
	}
	if !w.omitEmployees {
		employees = l.employees
	}
	return []*piece{tags, between, employees, closing}
}

// withCompressed returns the bytes that these pieces take, compressed ones included: they are never
// more than the plain.
func withCompressed(pieces ...*piece) (bytes int) {
	for _, p := range pieces {
		bytes += 2 * len(p.text)
	}
	return bytes
}

// encodeLists encodes the tags and employees of an enterprise.
func encodeLists(uniacid int64, tags []gendb.Tag, employees []gendb.ListEmployeesRow) (*lists, error) {
	l := &lists{names: newTagNames(tags), tags: &piece{}, employees: &piece{}}
	var errs [2]error
	l.tags.text, errs[0] = json.Marshal(toTags(uniacid, tags))
	l.employees.text, errs[1] = json.Marshal(toEmployeeNames(employees))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return l, nil
}
