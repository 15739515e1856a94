package canonical

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"example.com/wechatcustomers/internal/apierr"
)

// body reads the body by its type. An empty one may have any type.
func (r *reading) body(contentType string, body []byte) error {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil
	}
	r.inBody, r.left, r.tooMany = true, r.n.maxPairs, apierr.TooLarge
	mediaType, _, _ := strings.Cut(contentType, ";")
	switch strings.ToLower(strings.TrimSpace(mediaType)) {
	case "application/json":
		return r.json("", body)
	case "application/x-www-form-urlencoded":
		if bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
			return r.json("", body) // jQuery's and axios's type for a text, which the page had made of JSON itself
		}
		return r.form(string(body))
	case "multipart/form-data":
		return r.multipart(contentType, body)
	}
	return apierr.New(apierr.MediaType, nil)
}

// form reads pairs as a browser wrote them. Unlike net/url it takes a lone % and a ; as the text
// they are: dropping the pair would answer with an unfiltered list.
func (r *reading) form(pairs string) error {
	for pair := range strings.SplitSeq(pairs, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		if err := r.add(unescape(key), unescape(value)); err != nil {
			return err
		}
	}
	return nil
}

func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '+' {
			c = ' '
		} else if c == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				c, i = byte(n), i+2
			}
		}
		b = append(b, c)
	}
	return string(b)
}

func (r *reading) multipart(contentType string, body []byte) error {
	broken := apierr.Bad(apierr.Field{Field: apierr.Body, Message: "不是有效的 multipart/form-data"})
	_, attributes, _ := mime.ParseMediaType(contentType)
	boundary := attributes["boundary"]
	// The reader calls a body that was cut off in some places an end like any other, and the filters
	// behind it would be lost.
	if boundary == "" || !bytes.Contains(body, []byte("--"+boundary+"--")) {
		return broken
	}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := parts.NextPart()
		if err == io.EOF { //nolint:errorlint // wrapped, it is the end of a body without the boundary
			return nil
		}
		var value []byte
		if err == nil {
			value, err = io.ReadAll(part)
		}
		if err != nil || part.FormName() == "" {
			return broken
		}
		if err := r.add(part.FormName(), string(value)); err != nil {
			return err
		}
	}
}

// searchText reads the value of a plain search key: the filters as JSON, as axios 0.27 sends them.
func (r *reading) searchText(value string) error {
	switch value = strings.TrimSpace(value); {
	case value == "" || value == "null":
		return nil
	case value[0] != '{' && value[0] != '[':
		r.reject(group, "应为对象,如 search[status]=1", "")
		return nil
	}
	return r.json(group, []byte(value))
}

// json reads a document whose top stands for key: the body's is "", search={…}'s is the group.
func (r *reading) json(key string, text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	w := jsonWalk{reading: r, dec: dec, valid: utf8.Valid(text) && !loneSurrogate(text)}
	err := w.value(key, 0)
	if _, tooMany := errors.AsType[*apierr.Error](err); tooMany {
		return err
	}
	if err == nil {
		if _, err = dec.Token(); errors.Is(err, io.EOF) {
			return nil
		}
	}
	if key == "" {
		key = apierr.Body
	}
	r.reject(key, "不是有效的 JSON", "")
	return nil
}

type jsonWalk struct {
	*reading
	dec   *json.Decoder
	valid bool // the text is UTF-8 and has no half of a character
}

// loneSurrogate says whether text has a \u escape of half a character, which JSON.stringify writes
// for a text that was cut inside an emoji.
func loneSurrogate(text []byte) bool {
	unit := func(i int) uint64 {
		if i+6 > len(text) || text[i] != '\\' || text[i+1] != 'u' {
			return 0
		}
		n, _ := strconv.ParseUint(string(text[i+2:i+6]), 16, 16) // 0 for what the decoder refuses
		return n
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		switch u := rune(unit(i)); {
		case !utf16.IsSurrogate(u):
			i++ // an escaped backslash begins nothing
		case utf16.DecodeRune(u, rune(unit(i+6))) == utf8.RuneError:
			return true
		default:
			i += 11
		}
	}
	return false
}

// value reads the next value and adds its leaves, each under the key that a form would give it.
// Errors are the decoder's, or add's.
func (w *jsonWalk) value(key string, depth int) error {
	if related := depth == 0 || w.n.ours(key); !related || depth > 3 { // nothing of ours is nested this deep
		var raw json.RawMessage
		if err := w.dec.Decode(&raw); err != nil {
			return err
		}
		if related {
			return w.add(key, "nested")
		}
		if err := w.add(key, ""); err != nil { // it is one pair, whatever it holds
			return err
		}
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		u := unrelated{jsonWalk: &jsonWalk{reading: w.reading, dec: dec, valid: w.valid}, seen: map[string]bool{}}
		return u.value(key, 0)
	}
	token, err := w.dec.Token()
	if err != nil {
		return err
	}
	if depth == 0 && token != json.Delim('{') && token != json.Delim('[') && token != nil {
		w.reject(apierr.Body, "应为 JSON 对象", "")
		return nil
	}
	switch t := token.(type) {
	case json.Delim:
		return w.children(key, t == '{', depth)
	case string:
		return w.add(key, w.text(t))
	case json.Number:
		return w.add(key, number(t.String()))
	case bool:
		if i, _ := w.n.find(key); i >= 0 {
			w.reject(w.n.params[i].Name, "不能是布尔值", apierr.Quote(strconv.FormatBool(t)))
			return nil
		}
		return w.add(key, strconv.FormatBool(t))
	}
	return w.add(key, "") // null
}

func (w *jsonWalk) children(key string, object bool, depth int) error {
	var seen map[string]bool
	if object {
		seen = map[string]bool{}
	}
	count := 0
	for ; w.dec.More(); count++ {
		child := strconv.Itoa(count)
		if object {
			token, err := w.dec.Token()
			if err != nil {
				return err
			}
			child = w.text(token.(string)) //nolint:forcetypeassert // the decoder takes nothing else for a key
		}
		if key != "" {
			child = key + "[" + child + "]"
		} else if !object {
			w.reject(apierr.Body, "应为 JSON 对象", "")
			var raw json.RawMessage
			if err := w.dec.Decode(&raw); err != nil {
				return err
			}
			continue
		}
		if seen[child] && w.n.ours(child) {
			w.reject(child, "重复出现", "")
		} else if object {
			seen[child] = true
		}
		if err := w.value(child, depth+1); err != nil {
			return err
		}
	}
	if _, err := w.dec.Token(); err != nil || count > 0 || key == "" {
		return err
	}
	return w.add(key, "") // [] and {} are PHP's and the old pages' way to say unset
}

// unrelated looks for keys of ours in a value that is not: {"params":{"search":…}}.
type unrelated struct {
	*jsonWalk
	seen map[string]bool // paths that have been looked at
}

// What a caller wraps a request in is small: so many paths within one value are looked at, so deep,
// and so many bytes of one.
const maxUnrelated, maxDepth, maxPath = 200, 8, 128

// value reads the next value. Its text has been read before, so that no error is the caller's.
func (u *unrelated) value(path string, depth int) error {
	token, err := u.dec.Token()
	if err != nil {
		return err
	}
	t, container := token.(json.Delim)
	if !container {
		if token != nil && token != "" && !u.seen[path] && len(u.seen) < maxUnrelated {
			u.seen[path] = true
			u.unknown(path)
		}
		return nil
	}
	for u.dec.More() {
		child := path + "[]"
		if t == '{' {
			key, err := u.dec.Token()
			if err != nil {
				return err
			}
			child = path + "[" + u.text(key.(string)) + "]" //nolint:forcetypeassert // the decoder takes nothing else for a key
		}
		if depth == maxDepth || len(child) > maxPath {
			child = path
		}
		if err := u.value(child, min(depth+1, maxDepth)); err != nil {
			return err
		}
	}
	_, err = u.dec.Token()
	return err
}

// text undoes the decoder's repair of broken UTF-8, so that it is an error as in a query.
func (w *jsonWalk) text(s string) string {
	if w.valid {
		return s
	}
	return strings.ReplaceAll(s, "\uFFFD", "\xff")
}

// number returns a whole number without fraction or exponent (PHP writes 1.0, others 1e3), any
// other as it stands.
func number(s string) string {
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || !strings.ContainsAny(s, ".eE") || f != math.Trunc(f):
		return s
	case f == 0:
		return "0" // also -0.0
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
