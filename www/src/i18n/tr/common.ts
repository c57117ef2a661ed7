import type { Words } from "../words";

export default {
  nav: {
    label: "Görünümler",
    market: "Piyasa",
    backtests: "Backtestler",
    status: "Durum",
    errors: "Hata kodları",
  },
  copilot: "Yardımcı pilot",
  theme: { label: "Tema", light: "Açık", auto: "Sistem gibi", dark: "Koyu" },
  language: "Dil",
  languageAway: "Sözcükleri indirilemedi. Biraz sonra yeniden deneyin.",
  settings: "Dil ve tema",
  skip: "İçeriğe geç",
  loading: "Yükleniyor",
  table: "{{name}}, tablo",
  retry: "Yeniden dene",
  close: "Kapat",
  ages: {
    seconds: "{{seconds}} sn",
    minutes: "{{minutes}} dk {{seconds}} sn",
    hours: "{{hours}} sa {{minutes}} dk",
    days: "{{days}} g {{hours}} sa",
  },
  part: {
    title: "Sayfanın bu bölümü gelmedi",
    text: "Sayfanın kalanı çalışmayı sürdürür. Yeniden denemek genellikle yardımcı olur.",
  },
  notFound: {
    title: "Böyle bir sayfa yok",
    text: "Adres yanlış yazılmış olabilir. Piyasa, başlamak için iyi bir yerdir.",
    link: "Piyasaya git",
  },
} satisfies Words<"common">;
