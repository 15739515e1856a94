// Package getlist implements the contract's operations: parameters → filter → page → answer.
// It is the only room that sees both the API's models and the rows of the database.
package getlist

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"example.com/wechatcustomers/gen/api"
	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/auth"
	"example.com/wechatcustomers/internal/cache"
	"example.com/wechatcustomers/internal/filter"
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

// Server answers the contract's operations from one database. Its methods return *apierr.Error for
// what the caller did wrong; any other error is the service's own.
type Server struct {
	Config
}

// New returns a Server.
func New(cfg Config) *Server {
	if cfg.Memory == nil {
		cfg.Memory = &cache.Store{}
	}
	return &Server{cfg}
}

// Request is what the operations need of the HTTP request beside its parameters.
type Request struct {
	Served      *Served         // where the operation says what it has answered; nil: nobody asks
	Member      auth.Member     // who calls
	Address     string          // scheme, host and path that the request reached
	Query       []paginate.Pair // the request's own parameters in the document's order
	Literal     string          // the same, as one text
	Revalidates bool            // the answer gets an ETag: a GET or HEAD
	IfNoneMatch string          // the ETags of what the caller has
	Gzip        bool            // the caller takes gzip
}

// Served is what an operation says of its answer.
type Served struct {
	CropID uint32 // the enterprise that it is about; 0 until the member's right to it is known
	Rows   int    // of customers' data that are in the answer; 0 where the caller has it already
	Kept   bool   // it was not read for this request
}

// serve notes what is answered.
func (r Request) serve(cropID uint32, rows int, kept bool) {
	if r.Served != nil {
		*r.Served = Served{cropID, rows, kept}
	}
}

// GetList answers one page of the enterprise's follows with the enterprise's tags and employees
// (tables follows, contacts, employees, tags). The total and the rows come from one snapshot of the
// database. An answer is kept, and sent again for the same request as long as the enterprise's
// versions, which are read with the member's right on every request, have not changed.
func (s *Server) GetList(
	ctx context.Context,
	r Request,
	request api.GetListRequestObject,
) (api.GetListResponseObject, error) {
	asked, err := toWanted(&request.Params)
	if err != nil {
		return nil, err
	}
	access, err := s.access(ctx, r.Member, request.Uniacid, request.Params.CropID)
	if err != nil {
		return nil, err
	}
	r.serve(access.ID, 0, false)
	if s.PublicURL != "" {
		r.Address = strings.ReplaceAll(s.PublicURL, "{uniacid}", strconv.FormatInt(request.Uniacid, 10))
	}
	known := s.known("page", access, r, func() ([]*piece, bool) {
		l, found := s.rememberedLists(access)
		if !found && !(asked.omitTags && asked.omitEmployees) {
			return nil, false
		}
		return asked.after(l), true
	})
	if known != nil {
		return known, nil
	}
	var read answer
	err = store.Snapshot(ctx, s.DB, func(q *gendb.Queries) (err error) {
		read, err = s.read(ctx, q, access.ID, request.Uniacid, asked)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.keepPage(request.Uniacid, asked, read, r)
}

// GetFacets answers how many of the enterprise's follows each value of each filter has (tables
// follow_sets or, in a small enterprise, follows). It is read, kept and sent again as GetList's
// answers are.
func (s *Server) GetFacets(
	ctx context.Context,
	r Request,
	request api.GetFacetsRequestObject,
) (api.GetFacetsResponseObject, error) {
	params := filter.Same[api.GetListParams](request.Params)
	f, err := filter.Read(&params)
	if err != nil {
		return nil, err
	}
	access, err := s.access(ctx, r.Member, request.Uniacid, request.Params.CropID)
	if err != nil {
		return nil, err
	}
	r.serve(access.ID, 0, false)
	known := s.known("facets", access, r, func() ([]*piece, bool) { return nil, true })
	if known != nil {
		return known, nil
	}
	var read counted
	err = store.Snapshot(ctx, s.DB, func(q *gendb.Queries) (err error) {
		read, err = s.count(ctx, q, access.ID, &f, request.Params.Omit)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.keepFacets(read, r)
}

// GetBusinessList answers the enterprises that the token's member manages under the account (tables
// managers, businesses), by id.
func (s *Server) GetBusinessList(
	ctx context.Context,
	r Request,
	request api.GetBusinessListRequestObject,
) (api.GetBusinessListResponseObject, error) {
	if err := of(r.Member, request.Uniacid); err != nil {
		return nil, err
	}
	businesses, err := s.businesses(ctx, r.Member)
	if err != nil {
		return nil, err
	}
	list := make([]api.Business, len(businesses))
	for i, b := range businesses {
		list[i] = api.Business{CropID: int64(b.ID), Name: b.Name}
	}
	return api.GetBusinessList200JSONResponse{BusinessListJSONResponse: api.BusinessListJSONResponse{
		Body: api.BusinessListResult{Result: api.BusinessListOK, Msg: "ok", Data: list},
	}}, nil
}
