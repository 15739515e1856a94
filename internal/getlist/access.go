package getlist

import (
	"context"
	"database/sql"
	"errors"

	gendb "example.com/wechatcustomers/gen/db"
	"example.com/wechatcustomers/internal/apierr"
	"example.com/wechatcustomers/internal/auth"
)

// access returns the enterprise that the request is about, with its versions, once the database has
// said that the token's member manages it: the parameter's, else the token's, else the only one
// there is. Forbidden where the member may not, whether the enterprise exists or not.
func (s *Server) access(ctx context.Context, m auth.Member, uniacid int64, asked *int64) (gendb.GetAccessRow, error) {
	if err := of(m, uniacid); err != nil {
		return gendb.GetAccessRow{}, err
	}
	crop := m.CropID
	if asked != nil {
		crop = uint32(*asked) // within range: the document says so
	}
	if crop == 0 {
		return s.onlyBusiness(ctx, m)
	}
	access, err := gendb.New(s.DB).GetAccess(ctx, gendb.GetAccessParams{Uniacid: m.Uniacid, UID: m.UID, BusinessID: crop})
	if errors.Is(err, sql.ErrNoRows) {
		return access, apierr.New(apierr.Forbidden, nil)
	}
	return access, err
}

// onlyBusiness is access where neither the request nor the token names an enterprise.
func (s *Server) onlyBusiness(ctx context.Context, m auth.Member) (gendb.GetAccessRow, error) {
	businesses, err := s.businesses(ctx, m)
	switch {
	case err != nil:
		return gendb.GetAccessRow{}, err
	case len(businesses) == 0:
		return gendb.GetAccessRow{}, apierr.New(apierr.Forbidden, nil)
	case len(businesses) > 1:
		return gendb.GetAccessRow{}, apierr.New(apierr.ChooseBusiness, nil)
	}
	only := businesses[0]
	return gendb.GetAccessRow{ID: only.ID, RowsVersion: only.RowsVersion, DictVersion: only.DictVersion}, nil
}

func (s *Server) businesses(ctx context.Context, m auth.Member) ([]gendb.ListBusinessesRow, error) {
	return gendb.New(s.DB).ListBusinesses(ctx, gendb.ListBusinessesParams{Uniacid: m.Uniacid, UID: m.UID})
}

// of says that the member belongs to the account of the path: Forbidden where not.
func of(m auth.Member, uniacid int64) error {
	if int64(m.Uniacid) != uniacid {
		return apierr.New(apierr.Forbidden, nil)
	}
	return nil
}
