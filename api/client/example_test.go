package client_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/wechatcustomers/api/client"
)

// The examples run against a real server; in yours the address and the token come from your
// configuration.
var (
	address = func() string { return examples().url }
	bearer  = func() string { return examples().token }
)

func Example() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := c.GetList(context.Background(), 2, client.Query{Customer: "李", Status: client.StatusFollowing})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Total, "customers")
	for _, row := range page.Data {
		employee := "nobody known" // who is deleted, or not there yet
		if row.HasOneEmployee != nil {
			employee = row.HasOneEmployee.Name
		}
		fmt.Println(row.ID, row.HasOneCustomer.Name, employee)
	}
	// Output:
	// 2 customers
	// 5 李一天 韦平
	// 1 李一天 李健平
}

// All filters apply together. Member and AddWay are pointers, because their 0 is a value.
func ExampleClient_GetList() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	china := time.FixedZone("CST", 8*60*60)
	page, err := c.GetList(context.Background(), 2, client.Query{
		Tags:    []string{"etVIP", "etNew"}, // any of them
		From:    time.Date(2021, 9, 22, 0, 0, 0, 0, china),
		AddWay:  new(int32(0)),
		PerPage: 10,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range page.Data {
		fmt.Println(row.ID, row.HasOneCustomer.Name, row.TagName, time.Unix(row.Createtime, 0).In(china).Format(time.DateOnly))
	}
	// Output:
	// 2 Abe 新客 2021-09-22
}

// Facets are the numbers beside filter controls: each list counts the rows under all filters but
// its own, so that the other employees have theirs too.
func ExampleClient_GetFacets() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	q := client.Query{Employees: []string{"WeiPing"}}
	facets, err := c.GetFacets(context.Background(), 2, q, client.FacetTag)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(facets.Total, "rows of", facets.Customers, "customers")
	for _, e := range facets.Employee {
		fmt.Println(e.Name, e.Count)
	}
	// Output:
	// 3 rows of 3 customers
	// 韦平 3
	// 李健平 2
}

// Rows reads the whole list, in as many requests as it takes.
func ExampleClient_Rows() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	for row, err := range c.Rows(context.Background(), 2, client.Query{Employee: "WeiPing", PerPage: 2}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(row.ID, row.HasOneCustomer.Name)
	}
	// Output:
	// 5 李一天
	// 4 孙新建
	// 3 李想
}

func ExampleClient_GetBusinessList() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	businesses, err := c.GetBusinessList(context.Background(), 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range businesses {
		fmt.Println(b.CropID, b.Name)
	}
	// Output:
	// 1 芸众
}

// What the server refuses is an *Error, with each wrong parameter in Fields.
func ExampleError() {
	c, err := client.New(address(), client.WithToken(bearer()))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.GetList(context.Background(), 2, client.Query{Status: 3})
	if refused, ok := errors.AsType[*client.Error](err); ok {
		fmt.Println(refused.Status, refused.Msg)
		for _, f := range refused.Fields {
			fmt.Println(f.Field, f.Message)
		}
	}
	// Output:
	// 400 参数错误:search[status] 只能是 1 或 -1
	// search[status] 只能是 1 或 -1,收到的是 「3」
}

// A token that expires is renewed by the function that is asked for it before every request.
func ExampleWithTokenSource() {
	renew := func(context.Context) (string, error) { return bearer(), nil }
	c, err := client.New(address(), client.WithTokenSource(renew))
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := c.GetList(context.Background(), 2, client.Query{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(page.Total)
	// Output:
	// 5
}
