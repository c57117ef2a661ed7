import type { Words } from "../words";

export default {
  nav: {
    label: "Görünümler",
    market: "Piyasa",
    backtests: "Testler",
    status: "Durum",
    errors: "Hata kodları",
  },
  copilot: "Yardımcı pilot",
  theme: { label: "Tema", light: "Açık", auto: "Sistem gibi", dark: "Koyu" },
  language: "Dil",
  settings: "Dil ve tema",
  skip: "İçeriğe geç",
  loading: "Yükleniyor",
  table: "{{name}}, tablo",
  retry: "Yeniden dene",
  close: "Kapat",
  whatIsThis: "{{code}} nedir?",
  notFound: {
    title: "Böyle bir sayfa yok",
    text: "Adres yanlış yazılmış olabilir. Piyasa, başlamak için iyi bir yerdir.",
    link: "Piyasaya git",
  },
} satisfies Words<"common">;
