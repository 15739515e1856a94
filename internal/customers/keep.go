package customers

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
	"example.com/wechatcustomers/internal/gzipped"
	"example.com/wechatcustomers/internal/remember"
)

// stored is an answer's bytes, plain in parts (the enterprise's lists are shared by all its answers) and, once somebody has asked for that, compressed.
type stored struct {
	plain [][]byte
	once  sync.Once
	small []byte
}

// gzip compresses the answer the first time it is called for.
func (s *stored) gzip() []byte {
	s.once.Do(func() { s.small = gzipped.Bytes(gzipped.Fast, s.plain...) })
	return s.small
}

// listAnswer is the 200 or 304 of getList.
type listAnswer struct {
	etag  string // "" for none
	gzip  bool
	bytes *stored // nil: the caller has them
}

// VisitGetListResponse sends the answer.
func (a listAnswer) VisitGetListResponse(w http.ResponseWriter) error {
	h := w.Header()
	if a.etag != "" {
		h.Set("ETag", a.etag)
	}
	h.Add("Vary", "Accept-Encoding, Authorization, Cookie")
	if a.bytes == nil {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "application/json")
	body := a.bytes.plain
	if a.gzip {
		body = [][]byte{a.bytes.gzip()}
		h.Set("Content-Encoding", "gzip")
	}
	length := 0
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

// pageKey names the answer to r, and the versions of the enterprise that it holds under.
func pageKey(v gendb.GetAccessRow, r Request) (remember.Key, remember.Versions) {
	return remember.Key{CropID: v.ID, Kind: "page", Asked: r.Address + "?" + r.Literal},
		remember.Versions{Rows: uint64(v.RowsVersion), Dict: uint64(v.DictVersion)}
}

// etag names the bytes that are sent: everything that they depend on is in it. It is "" where the caller cannot ask for them again by it.
func (s *Server) etag(key remember.Key, v remember.Versions, r Request) string {
	if !r.Revalidates {
		return ""
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%d\n%d\n%t\n%s", s.Build, key.CropID, v.Rows, v.Dict, r.Gzip, key.Asked))
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`
}

// known returns the answer that needs no more reading: the caller has it, or it is remembered. It is nil where there is none.
func (s *Server) known(v gendb.GetAccessRow, r Request) api.GetListResponseObject {
	key, now := pageKey(v, r)
	a := listAnswer{etag: s.etag(key, now, r), gzip: r.Gzip}
	for tag := range strings.SplitSeq(r.IfNoneMatch, ",") {
		if tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/"); tag != "" && (tag == a.etag || tag == "*") {
			return a
		}
	}
	var found bool
	if a.bytes, found = remember.Get[*stored](s.Memory, key, now); !found {
		return nil
	}
	return a
}

// errLists means that the encoded page does not end as the splicing of its lists relies on.
var errLists = errors.New("encode: the page does not end with its empty lists")

// keep encodes what was read, keeps it and returns it as the answer.
func (s *Server) keep(uniacid int64, asked wanted, read answer, r Request) (api.GetListResponseObject, error) {
	plain, err := json.Marshal(api.ListResult{Result: api.ResultOK, Msg: "ok", Data: toPage(uniacid, asked, read, r)})
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	// The lists are encoded already: they go where the page has empty ones.
	head, ok := bytes.CutSuffix(plain, []byte(`[],"employee":[]}}`))
	if !ok {
		return nil, errLists
	}
	tags, employees := []byte("[]"), []byte("[]")
	if !asked.omitTags {
		tags = read.lists.tags
	}
	if !asked.omitEmployees {
		employees = read.lists.employees
	}
	key, now := pageKey(read.versions, r)
	a := listAnswer{etag: s.etag(key, now, r), gzip: r.Gzip, bytes: &stored{plain: [][]byte{head, tags, []byte(`,"employee":`), employees, []byte(`}}`)}}}
	s.Memory.Put(key, now, a.bytes, len(head)+(len(head)+len(tags)+len(employees))/8) // an eighth for the compressed bytes
	return a, nil
}

// encodeLists encodes the tags and employees of an enterprise.
func encodeLists(uniacid int64, tags []gendb.Tag, employees []gendb.ListEmployeesRow) (*lists, error) {
	l := &lists{names: newTagNames(tags)}
	var errs [2]error
	l.tags, errs[0] = json.Marshal(toTags(uniacid, tags))
	l.employees, errs[1] = json.Marshal(toEmployeeNames(employees))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return l, nil
}
