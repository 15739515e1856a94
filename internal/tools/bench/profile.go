package bench

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime/pprof"
	"strings"
	"time"
)

// shares are what parts of a request cost in processor time, the mean over many; negative for what was met too seldom to say.
type shares struct{ scan, encode, write time.Duration }

// A profile has a sample for every 10 ms of processor time; fewer than this many say nothing of a part.
const (
	samplePeriod = 10 * time.Millisecond
	fewSamples   = 5
)

// profile measures the shares of a request over one TCP connection by a profile of this process; prepare goes before each. What waits costs no processor time:
// the database's is measured apart.
func (m *meter) profile(ctx context.Context, c call, status int, prepare func() error) (shares, error) {
	var raw bytes.Buffer
	if err := pprof.StartCPUProfile(&raw); err != nil {
		return shares{}, err
	}
	requests := 0
	var failed error
	_, err := rate(ctx, m.server, 1, 2*m.per, status, func(int) call {
		if failed = prepare(); failed != nil {
			return call{}
		}
		requests++
		return c
	})
	pprof.StopCPUProfile()
	if err := errors.Join(err, failed); err != nil || requests == 0 {
		return shares{}, err
	}
	p, err := readProfile(&raw)
	if err != nil {
		return shares{}, fmt.Errorf("the profile: %w", err)
	}
	var s shares
	for _, sample := range p.samples {
		stack := p.stack(sample)
		if len(stack) == 0 || !strings.HasPrefix(stack[len(stack)-1], "net/http.(*conn).serve") {
			continue
		}
		if part := s.of(stack); part != nil {
			*part += time.Duration(sample.nanoseconds)
		}
	}
	for _, part := range []*time.Duration{&s.scan, &s.encode, &s.write} {
		if *part < fewSamples*samplePeriod {
			*part = -1
		} else {
			*part /= time.Duration(requests)
		}
	}
	return s, nil
}

// partOf tells by a function's beginning which part of a request it works for; what is the driver's own is in the database's time.
var partOf = []struct {
	prefix string
	part   func(s *shares) *time.Duration
}{
	{"github.com/go-sql-driver/mysql.", nil},
	{"database/sql.(*Rows).Scan", func(s *shares) *time.Duration { return &s.scan }},
	{"database/sql.convertAssign", func(s *shares) *time.Duration { return &s.scan }},
	{"example.com/wechatcustomers/gen/db.", func(s *shares) *time.Duration { return &s.scan }},
	{"database/sql.", nil},
	{"encoding/json", func(s *shares) *time.Duration { return &s.encode }},
	{"github.com/goccy/go-json", func(s *shares) *time.Duration { return &s.encode }},
	{"hash/crc32.", func(s *shares) *time.Duration { return &s.encode }},
	{"example.com/wechatcustomers/internal/gzipped.", func(s *shares) *time.Duration { return &s.encode }},
	{"compress/", func(s *shares) *time.Duration { return &s.encode }},
	{"github.com/klauspost/compress/", func(s *shares) *time.Duration { return &s.encode }},
	{"net/http.(*response)", func(s *shares) *time.Duration { return &s.write }},
	{"net/http.(*chunkWriter)", func(s *shares) *time.Duration { return &s.write }},
	{"net/http.checkConnErrorWriter", func(s *shares) *time.Duration { return &s.write }},
}

// of returns the part that a stack, innermost function first, works for; nil for any other.
func (s *shares) of(stack []string) *time.Duration {
	for _, function := range stack {
		for _, p := range partOf {
			if strings.HasPrefix(function, p.prefix) {
				if p.part == nil {
					return nil
				}
				return p.part(s)
			}
		}
	}
	return nil
}

// cpuProfile is what is needed of a profile in the format of pprof (github.com/google/pprof/proto/profile.proto).
type cpuProfile struct {
	samples   []cpuSample
	locations map[uint64][]uint64 // the functions at a location, innermost first
	functions map[uint64]uint64   // the place of a function's name in names
	names     []string
}

type cpuSample struct {
	locations   []uint64
	nanoseconds int64
}

func (p *cpuProfile) stack(s cpuSample) (names []string) {
	for _, l := range s.locations {
		for _, f := range p.locations[l] {
			if n := p.functions[f]; n < uint64(len(p.names)) {
				names = append(names, p.names[n])
			}
		}
	}
	return names
}

func readProfile(r io.Reader) (*cpuProfile, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	p := &cpuProfile{locations: map[uint64][]uint64{}, functions: map[uint64]uint64{}}
	return p, message(raw, func(field int, value uint64, text []byte) error {
		switch field {
		case 2:
			return p.sample(text)
		case 4:
			return p.location(text)
		case 5:
			return p.function(text)
		case 6:
			p.names = append(p.names, string(text))
		}
		return nil
	})
}

func (p *cpuProfile) sample(raw []byte) error {
	var s cpuSample
	err := message(raw, func(field int, value uint64, text []byte) error {
		switch field {
		case 1:
			return numbers(value, text, func(n uint64) { s.locations = append(s.locations, n) })
		case 2: // how many, then how long: the last one counts
			return numbers(value, text, func(n uint64) { s.nanoseconds = int64(n) })
		}
		return nil
	})
	p.samples = append(p.samples, s)
	return err
}

func (p *cpuProfile) location(raw []byte) error {
	var id uint64
	var functions []uint64
	err := message(raw, func(field int, value uint64, text []byte) error {
		switch field {
		case 1:
			id = value
		case 4:
			return message(text, func(field int, value uint64, _ []byte) error {
				if field == 1 {
					functions = append(functions, value)
				}
				return nil
			})
		}
		return nil
	})
	p.locations[id] = functions
	return err
}

func (p *cpuProfile) function(raw []byte) error {
	var id, name uint64
	err := message(raw, func(field int, value uint64, _ []byte) error {
		switch field {
		case 1:
			id = value
		case 2:
			name = value
		}
		return nil
	})
	p.functions[id] = name
	return err
}

var errProfile = errors.New("not a profile")

// message calls each with the fields of a protocol buffer's message: a number, or a text.
func message(raw []byte, each func(field int, value uint64, text []byte) error) error {
	for len(raw) > 0 {
		key, n := binary.Uvarint(raw)
		if n <= 0 {
			return errProfile
		}
		raw = raw[n:]
		value, n := binary.Uvarint(raw)
		if n <= 0 {
			return errProfile
		}
		raw = raw[n:]
		var text []byte
		switch key & 7 {
		case 0:
		case 2:
			if value > uint64(len(raw)) {
				return errProfile
			}
			text, raw = raw[:value], raw[value:]
		default:
			return errProfile
		}
		if err := each(int(key>>3), value, text); err != nil {
			return err
		}
	}
	return nil
}

// numbers calls each with the numbers of a repeated field: one, or packed in a text.
func numbers(value uint64, text []byte, each func(uint64)) error {
	if text == nil {
		each(value)
		return nil
	}
	for len(text) > 0 {
		v, n := binary.Uvarint(text)
		if n <= 0 {
			return errProfile
		}
		each(v)
		text = text[n:]
	}
	return nil
}
