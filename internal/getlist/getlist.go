// Package getlist implements the contract's operations: parameters → queries → map → return.
// It is the only room that sees both the API's models and the rows of the database.
package getlist

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"example.com/wechatcustomers/gen/api"
	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/cache"
	"example.com/wechatcustomers/internal/paginate"
	"example.com/wechatcustomers/internal/store"
)

// Config is what a Server is made from.
type Config struct {
	DB        *sql.DB
	PublicURL string       // what page links begin with, {uniacid} in it standing for the account; "": the address that the request reached
	Memory    *cache.Store // where answers are kept; nil: nowhere
	Build     string       // names the program's build: another build may answer the same request in other bytes
}

// Server answers the contract's operations from one database. Its methods return *apierr.Error for what the caller did wrong; any other error is
// the service's own.
type Server struct {
	Config
}

var _ api.StrictServerInterface = (*Server)(nil)

// New returns a Server.
func New(cfg Config) *Server {
	if cfg.Memory == nil {
		cfg.Memory = &cache.Store{}
	}
	return &Server{cfg}
}

// Request is what the operations need of the HTTP request beside its parameters.
type Request struct {
	Address     string          // scheme, host and path that the request reached
	Query       []paginate.Pair // the request's own parameters in the document's order
	Literal     string          // the same, as one text
	Revalidates bool            // the answer gets an ETag: a GET or HEAD
	IfNoneMatch string          // the ETags of what the caller has
	Gzip        bool            // the caller takes gzip
}

type requestKey struct{}

// WithRequest returns a context that carries r to the operations.
func WithRequest(ctx context.Context, r Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// GetList answers one page of the enterprise's follows with the enterprise's tags and employees (tables follows, contacts, employees, tags). The total
// and the rows come from one snapshot of the database. An answer is kept, and sent again for the same request as long as the enterprise's versions,
// which are read with the member's right on every request, have not changed.
func (s *Server) GetList(ctx context.Context, request api.GetListRequestObject) (api.GetListResponseObject, error) {
	asked, err := toWanted(request.Params)
	if err != nil {
		return nil, err
	}
	access, err := s.access(ctx, request.Uniacid, request.Params.CropID)
	if err != nil {
		return nil, err
	}
	r, _ := ctx.Value(requestKey{}).(Request)
	if s.PublicURL != "" {
		r.Address = strings.ReplaceAll(s.PublicURL, "{uniacid}", strconv.FormatInt(request.Uniacid, 10))
	}
	if known := s.known(access, asked, r); known != nil {
		return known, nil
	}
	asked.filter.CropID = access.ID
	var read answer
	err = store.Snapshot(ctx, s.DB, func(q *gendb.Queries) (err error) {
		read, err = s.read(ctx, q, request.Uniacid, asked, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.keep(request.Uniacid, asked, read, r)
}

// GetBusinessList answers the enterprises that the token's member manages under the account (tables managers, businesses), by id.
func (s *Server) GetBusinessList(ctx context.Context, request api.GetBusinessListRequestObject) (api.GetBusinessListResponseObject, error) {
	m, err := member(ctx, request.Uniacid)
	if err != nil {
		return nil, err
	}
	businesses, err := s.businesses(ctx, m)
	if err != nil {
		return nil, err
	}
	list := make([]api.Business, len(businesses))
	for i, b := range businesses {
		list[i] = api.Business{CropID: int64(b.ID), Name: b.Name}
	}
	return api.GetBusinessList200JSONResponse{BusinessListJSONResponse: api.BusinessListJSONResponse{
		Result: api.BusinessListOK, Msg: "ok", Data: list,
	}}, nil
}
